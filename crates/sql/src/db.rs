//! One database: readers, and the single writer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{DbPlace, SqlError, Turn, WriteTx, Writes, postgres, sqlite};

/// How long to wait for the writers before, in this process: whoever waits longer is told that writing is not possible
/// now.
const TURN_SECONDS_MAX: u64 = 15;

/// An open database. Cheap to clone; clones share the writer.
#[derive(Debug, Clone)]
pub struct Db {
    readers: DatabaseConnection,
    /// Missing where the database was opened for reading only.
    writer: Option<DatabaseConnection>,
    turn: Arc<Mutex<()>>,
    writes: Writes,
    is_shared: bool,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

async fn connect(place: &DbPlace, access: Access) -> Result<DatabaseConnection, SqlError> {
    match place {
        DbPlace::File(path) => sqlite::connect(path, access).await,
        DbPlace::Postgres(url) => postgres::connect(url, access).await,
    }
}

impl Db {
    /// Opens a database. A file is made if it is missing; a database of PostgreSQL must be there.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open(place: &DbPlace) -> Result<Self, SqlError> {
        // The writer comes first: it makes the file and switches it to WAL.
        let writer = connect(place, Access::Write).await?;
        let readers = connect(place, Access::Read).await?;
        Ok(Self {
            readers,
            writer: Some(writer),
            turn: Arc::default(),
            writes: Writes::default(),
            is_shared: place.is_shared(),
        })
    }

    /// Opens the SQLite database in a file, whatever characters its path holds; makes it if it is missing.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open_file(path: &Path) -> Result<Self, SqlError> {
        Self::open(&DbPlace::File(path.to_owned())).await
    }

    /// Opens a database that must be there, for reading alone: also while another process writes to it.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) async fn connect_read_only(place: &DbPlace) -> Result<Self, SqlError> {
        let readers = connect(place, Access::Read).await?;
        Ok(Self {
            readers,
            writer: None,
            turn: Arc::default(),
            writes: Writes::default(),
            is_shared: place.is_shared(),
        })
    }

    /// For single reads; each statement sees everything that was committed before it. Writing through it fails.
    pub const fn read(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// Whether other processes may write to it too, so that what was read may be outdated at once.
    pub const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// For several reads as of one moment; dropped when done.
    ///
    /// # Errors
    /// When no connection is free.
    pub async fn read_tx(&self) -> Result<DatabaseTransaction, SqlError> {
        // SQLite's read transactions are snapshots by nature; PostgreSQL's must be asked to be.
        let options = match self.readers.get_database_backend() {
            DbBackend::Sqlite => TransactionOptions::default(),
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                sqlite_transaction_mode: None,
            },
        };
        Ok(self.readers.begin_with_options(options).await?)
    }

    /// Opens the write transaction, after waiting for the one before it; the writers of a process are served in order.
    /// Those of other processes are kept apart by SQLite's lock on the file, and on PostgreSQL by the rows that they
    /// lock.
    ///
    /// # Errors
    /// When the database can't be locked.
    pub async fn write(&self) -> Result<WriteTx, SqlError> {
        let writer = self.writer.as_ref().ok_or(SqlError::ReadOnly)?;
        let writing = self.writes.begin();
        let turn = timeout(Duration::from_secs(TURN_SECONDS_MAX), Arc::clone(&self.turn).lock_owned());
        let turn = Turn::new(turn.await.map_err(|_| SqlError::Busy)?);
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = writer.begin_with_options(options).await?;
        Ok(WriteTx::new(inner, turn, writing))
    }

    /// How long writing takes.
    pub const fn writes(&self) -> &Writes {
        &self.writes
    }

    /// Closes every connection, after the writer is done.
    ///
    /// # Errors
    /// When the database doesn't close.
    pub async fn close(self) -> Result<(), SqlError> {
        let _turn = self.turn.lock().await;
        self.readers.close_by_ref().await?;
        if let Some(writer) = self.writer {
            writer.close_by_ref().await?;
        }
        Ok(())
    }
}
