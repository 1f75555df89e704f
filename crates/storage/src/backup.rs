//! The control plane's tables as a whole: read for a backup, filled by a restore.
//!
//! The feed is left out: whoever follows it begins anew with a snapshot, which is built from the tables.

use domain::link::Revision;
use sql::{Cell, Db, DbPlace, Dump, Restoring, SqlError, Table};

use crate::entities as e;
use crate::factors::entity as factors;
use crate::migrations::Migrations;
use crate::{ChangeTx, Store, StoreError};

/// The tables of the control plane.
///
/// # Errors
/// When a column is of a type that isn't copied.
pub fn tables() -> Result<Vec<Table>, StoreError> {
    let tables = [
        Table::of::<e::instance::Entity>(),
        Table::of::<e::counter::Entity>(),
        Table::of::<e::account::Entity>(),
        Table::of::<e::workspace::Entity>(),
        Table::of::<e::membership::Entity>(),
        Table::of::<crate::invitations::entity::Entity>(),
        Table::of::<factors::totp::Entity>(),
        Table::of::<factors::recovery_code::Entity>(),
        Table::of::<factors::passkey::Entity>(),
        Table::of::<factors::identity::Entity>(),
        Table::of::<e::project::Entity>(),
        Table::of::<e::api_key::Entity>(),
        Table::of::<e::management_token::Entity>(),
        Table::of::<e::signing_key::Entity>(),
        Table::of::<e::revoked_temporary_key::Entity>(),
        Table::of::<e::client_ref::Entity>(),
        Table::of::<e::audit_event::Entity>(),
        Table::of::<e::audit_name::Entity>(),
        Table::of::<e::usage_batch::Entity>(),
        Table::of::<e::usage::Entity>(),
        Table::of::<e::usage_refusal::Entity>(),
        Table::of::<e::quota::Entity>(),
        Table::of::<crate::webhooks::entity::webhook::Entity>(),
        Table::of::<crate::webhooks::entity::message::Entity>(),
        Table::of::<crate::webhooks::entity::expiry::Entity>(),
    ];
    Ok(tables.into_iter().collect::<Result<_, SqlError>>()?)
}

impl Store {
    /// Begins to read whole tables, as of this moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dump(&self) -> Result<Dump, StoreError> {
        Ok(self.db.dump().await?)
    }
}

/// A control plane's database that is being restored: kept as a whole, or not at all.
#[derive(Debug)]
pub struct Restore {
    db: Db,
    pub(crate) restoring: Restoring,
}

impl Restore {
    /// Begins in an empty database, with the schema that these migrations make.
    ///
    /// # Errors
    /// When the database isn't empty, or this build doesn't know the migrations.
    pub async fn begin(place: &DbPlace, migrations: &[String]) -> Result<Self, StoreError> {
        let db = Db::open(place).await?;
        let restoring = db.restore::<Migrations>(place, migrations).await?;
        Ok(Self { db, restoring })
    }

    /// Empties a table that the migrations have put rows into.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self, table: &Table) -> Result<(), StoreError> {
        Ok(self.restoring.clear(table).await?)
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When a row doesn't fit its table.
    pub async fn insert(&self, table: &Table, rows: &[Vec<Cell>]) -> Result<(), StoreError> {
        Ok(self.restoring.insert(table, rows).await?)
    }

    /// Brings the filled tables up to this build's schema.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upgrade(&mut self) -> Result<(), StoreError> {
        Ok(self.restoring.upgrade::<Migrations>().await?)
    }

    /// The last change before everything is kept: what control makes of a restored state. Its revision is beyond `newest`
    /// and beyond everything that may have been given out since the backup was made; so are the numbers of its projects
    /// and of its audit events.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn into_change(self, newest: Revision) -> Result<(Store, ChangeTx), StoreError> {
        let change = ChangeTx::begin_restored(self.restoring.into_tx(), newest).await?;
        Ok((Store { db: self.db }, change))
    }
}
