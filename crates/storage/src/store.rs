//! The store: opening, closing, and where reads and writes begin.

use std::path::Path;

use sql::{Db, DbPlace, Writes};

use crate::migrations::Migrations;
use crate::{ChangeTx, StoreError};

/// The control plane's memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
}

impl Store {
    /// Opens a database and brings its schema up to date.
    ///
    /// # Errors
    /// When it can't be opened, or was made by a newer version.
    pub async fn open(place: &DbPlace) -> Result<Self, StoreError> {
        let db = Db::open(place).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db })
    }

    /// Opens the SQLite database in a file, which is made if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// When it can't be opened, or was made by a newer version.
    pub async fn open_file(path: &Path) -> Result<Self, StoreError> {
        Self::open(&DbPlace::File(path.to_owned())).await
    }

    /// Opens a database for reading alone, as it is: also one that a server writes to, and one that a newer version
    /// made, where that version says that this one still understands it.
    ///
    /// # Errors
    /// When it can't be opened, or isn't one that this version can read.
    pub async fn open_read_only(place: &DbPlace) -> Result<Self, StoreError> {
        Ok(Self { db: Db::open_read_only::<Migrations>(place).await? })
    }

    /// Opens what a restore takes the place of, for reading alone. Its schema may be an older one: only the
    /// instance's id, the revision and what [`Store::dump`] gives can be relied on.
    ///
    /// # Errors
    /// When it can't be opened, or this build doesn't understand its schema.
    pub async fn open_former(place: &DbPlace) -> Result<Self, StoreError> {
        Ok(Self { db: Db::open_older_read_only::<Migrations>(place).await? })
    }

    /// Opens the transaction that changes state; there is one at a time.
    ///
    /// # Errors
    /// When the database can't be locked.
    pub async fn change(&self) -> Result<ChangeTx, StoreError> {
        ChangeTx::begin(self.db.write().await?).await
    }

    /// How long writing takes.
    pub const fn writes(&self) -> &Writes {
        self.db.writes()
    }

    /// Looks for damage in the database, and tells what was found: nothing, where all is well.
    ///
    /// # Errors
    /// When the database can't be read at all.
    pub async fn check_integrity(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.db.check_integrity().await?)
    }

    /// Whether other nodes may write to it too.
    pub const fn is_shared(&self) -> bool {
        self.db.is_shared()
    }

    /// Closes the database.
    ///
    /// # Errors
    /// When it doesn't close.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.db.close().await?)
    }
}
