//! The ledger as one value.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Region, Timestamp};
use sea_orm::{EntityTrait, QuerySelect};
use sql::Db;

use crate::entity::job;
use crate::migration::Migrations;
use crate::{JobFacts, LedgerError};

/// Jobs whose facts are kept in memory.
const CACHED_JOBS_MAX: usize = 100_000;

/// One region's ledger.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) region: Region,
    pub(crate) db: Db,
    pub(crate) facts: quick_cache::sync::Cache<String, Arc<JobFacts>>,
    /// The newest creation time that was given out, in microseconds.
    newest_micros: AtomicI64,
}

impl Ledger {
    /// Opens a region's ledger; the file is made if it is missing.
    ///
    /// # Errors
    /// When the file can't be opened, or is of a newer version.
    pub async fn open(path: &Path, region: Region) -> Result<Self, LedgerError> {
        let db = Db::open_file(path).await?;
        db.migrate::<Migrations>().await?;
        let newest: Option<Option<i64>> = job::Entity::find()
            .select_only()
            .column_as(
                sea_orm::sea_query::ExprTrait::max(sea_orm::sea_query::Expr::col(job::Column::CreatedAt)),
                "newest",
            )
            .into_tuple()
            .one(db.read())
            .await?;
        Ok(Self {
            region,
            db,
            facts: quick_cache::sync::Cache::new(CACHED_JOBS_MAX),
            newest_micros: AtomicI64::new(newest.flatten().unwrap_or(0)),
        })
    }

    /// The region.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Closes the file.
    ///
    /// # Errors
    /// When the database doesn't close.
    pub async fn close(self) -> Result<(), LedgerError> {
        Ok(self.db.close().await?)
    }

    /// A creation time that no job has: `now`, or as little later as it takes.
    pub(crate) fn unique_time(&self, now: Timestamp) -> Timestamp {
        let mut newest = self.newest_micros.load(Ordering::Acquire);
        loop {
            let time = now.as_micros().max(newest.saturating_add(1));
            match self.newest_micros.compare_exchange_weak(newest, time, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Timestamp::from_micros(time),
                Err(newer) => newest = newer,
            }
        }
    }

    /// Adopted jobs bring their own time; later ones must not collide with it.
    pub(crate) fn saw_time(&self, time: Timestamp) {
        self.newest_micros.fetch_max(time.as_micros(), Ordering::AcqRel);
    }
}
