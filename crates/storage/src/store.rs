//! The store: opening, closing, and where reads and writes begin.

use std::path::Path;

use sql::Db;

use crate::migrations::Migrations;
use crate::{ChangeTx, StoreError};

/// The control plane's memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
}

impl Store {
    /// Opens the database of a URL and brings its schema up to date.
    ///
    /// # Errors
    /// When it can't be opened, or was made by a newer version.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        Self::prepare(Db::open(url).await?).await
    }

    /// Opens the SQLite database in a file, which is made if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// When it can't be opened, or was made by a newer version.
    pub async fn open_file(path: &Path) -> Result<Self, StoreError> {
        Self::prepare(Db::open_file(path).await?).await
    }

    async fn prepare(db: Db) -> Result<Self, StoreError> {
        db.migrate::<Migrations>().await?;
        Ok(Self { db })
    }

    /// Opens the transaction that changes state; there is one at a time.
    ///
    /// # Errors
    /// When the database can't be locked.
    pub async fn change(&self) -> Result<ChangeTx, StoreError> {
        ChangeTx::begin(self.db.write().await?).await
    }

    /// Closes the database.
    ///
    /// # Errors
    /// When it doesn't close.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.db.close().await?)
    }
}
