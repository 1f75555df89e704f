//! A ledger's tables as a whole: read for a backup, filled by a restore.
//!
//! Creates on their way are left out: a restored gateway knows nothing of them, and must not take every job that was made
//! since the backup for one that a crash has left behind.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sql::{Cell, Db, DbPlace, Dump, Restoring, SqlError, Table};

use crate::LedgerError;
use crate::entity::{booked_job, counter, job, leash, orphan, usage_batch};
use crate::journal::NUMBERS;
use crate::migration::Migrations;

/// How far the numbers of batches jump at a restore: control may have counted later ones than the backup knows.
const RESTORE_GAP: i64 = 1 << 32;

/// The tables of a ledger.
///
/// # Errors
/// When a column is of a type that isn't copied.
pub fn tables() -> Result<Vec<Table>, LedgerError> {
    let tables = [
        Table::of::<job::Entity>(),
        Table::of::<orphan::Entity>(),
        Table::of::<usage_batch::Entity>(),
        Table::of::<counter::Entity>(),
        Table::of::<leash::Entity>(),
        Table::of::<booked_job::Entity>(),
    ];
    Ok(tables.into_iter().collect::<Result<_, SqlError>>()?)
}

/// Begins to read a ledger's tables, as of this moment; its server may run meanwhile.
///
/// # Errors
/// When it can't be opened, or isn't one that this version can read.
pub async fn dump(place: &DbPlace) -> Result<Dump, LedgerError> {
    Ok(Db::open_read_only::<Migrations>(place).await?.dump().await?)
}

/// A ledger that is being restored: kept as a whole, or not at all.
#[derive(Debug)]
pub struct Restore {
    db: Db,
    restoring: Restoring,
}

impl Restore {
    /// Begins in an empty database, with the schema that these migrations make.
    ///
    /// # Errors
    /// When the database isn't empty, or this build doesn't know the migrations.
    pub async fn begin(place: &DbPlace, migrations: &[String]) -> Result<Self, LedgerError> {
        let db = Db::open(place).await?;
        let restoring = db.restore::<Migrations>(place, migrations).await?;
        Ok(Self { db, restoring })
    }

    /// Empties a table that the migrations have put rows into.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self, table: &Table) -> Result<(), LedgerError> {
        Ok(self.restoring.clear(table).await?)
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When a row doesn't fit its table.
    pub async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), LedgerError> {
        Ok(self.restoring.insert(table, rows).await?)
    }

    /// Brings the tables up to this build's schema and keeps everything.
    ///
    /// # Errors
    /// When the database fails; then nothing is kept.
    pub async fn finish(mut self) -> Result<(), LedgerError> {
        self.restoring.upgrade::<Migrations>().await?;
        let tx = self.restoring.into_tx();
        counter::Entity::update_many()
            .col_expr(counter::Column::Value, Expr::col(counter::Column::Value).add(RESTORE_GAP))
            .filter(counter::Column::Name.eq(NUMBERS))
            .exec(&tx)
            .await?;
        drop(tx.commit().await?);
        Ok(self.db.close().await?)
    }
}
