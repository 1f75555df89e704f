//! The ledger as one value.

use std::path::Path;
use std::sync::Arc;

use domain::Region;
use sql::{Db, DbPlace, Writes};

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
}

impl Ledger {
    /// Opens a region's ledger in a file, which is made if it is missing.
    ///
    /// # Errors
    /// When the file can't be opened, or is of a newer version.
    pub async fn open(path: &Path, region: Region) -> Result<Self, LedgerError> {
        Self::open_at(&DbPlace::File(path.to_owned()), region).await
    }

    /// Opens a region's ledger.
    ///
    /// # Errors
    /// When the database can't be opened, or is of a newer version.
    pub async fn open_at(place: &DbPlace, region: Region) -> Result<Self, LedgerError> {
        let db = Db::open(place).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { region, db, facts: quick_cache::sync::Cache::new(CACHED_JOBS_MAX) })
    }

    /// The region.
    pub const fn region(&self) -> Region {
        self.region
    }

    /// Whether other nodes may use it too.
    pub const fn is_shared(&self) -> bool {
        self.db.is_shared()
    }

    /// How long writing takes.
    pub const fn writes(&self) -> &Writes {
        self.db.writes()
    }

    /// Closes the database.
    ///
    /// # Errors
    /// When the database doesn't close.
    pub async fn close(self) -> Result<(), LedgerError> {
        Ok(self.db.close().await?)
    }
}
