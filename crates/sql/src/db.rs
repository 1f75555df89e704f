//! One database: readers, and the single writer.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::Mutex;

use crate::{SqlError, Turn, WriteTx};

/// Connections that read.
const READERS_MAX: u32 = 4;
/// How long SQLite waits for a lock of another process, for example of a backup.
const BUSY_SECONDS_MAX: u64 = 10;
/// How long to wait for a free connection.
const ACQUIRE_SECONDS_MAX: u64 = 30;

/// An open database. Cheap to clone; clones share the writer.
#[derive(Debug, Clone)]
pub struct Db {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    turn: Arc<Mutex<()>>,
}

impl Db {
    /// Opens `sqlite:` databases; the file is made if it is missing.
    ///
    /// # Errors
    /// When the kind of database is unknown, or it can't be opened.
    pub async fn open(url: &str) -> Result<Self, SqlError> {
        let (scheme, _) = url.split_once(':').unwrap_or((url, ""));
        if scheme != "sqlite" {
            return Err(SqlError::UnknownKind { scheme: scheme.to_owned() });
        }
        Self::connect(url, None).await
    }

    /// Opens the SQLite database in a file, whatever characters its path holds; makes it if it is missing.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn open_file(path: &Path) -> Result<Self, SqlError> {
        Self::connect("sqlite:file", Some(path)).await
    }

    async fn connect(url: &str, path: Option<&Path>) -> Result<Self, SqlError> {
        let shown = path.map_or_else(|| url.to_owned(), |path| path.display().to_string());
        let open_error = |source| SqlError::Open { url: shown.clone(), source };
        // The writer comes first: it makes the file and switches it to WAL.
        let writer = Database::connect(options(url, path, Access::Write)).await.map_err(open_error)?;
        let readers = Database::connect(options(url, path, Access::Read)).await.map_err(open_error)?;
        Ok(Self { readers, writer, turn: Arc::new(Mutex::new(())) })
    }

    /// For single reads; each statement sees everything that was committed before it. Writing through it fails.
    pub const fn read(&self) -> &DatabaseConnection {
        &self.readers
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

    /// Opens the write transaction, after waiting for the one before it; writers are served in order.
    ///
    /// # Errors
    /// When the database can't be locked.
    pub async fn write(&self) -> Result<WriteTx, SqlError> {
        let turn = Turn::new(Arc::clone(&self.turn).lock_owned().await);
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.writer.begin_with_options(options).await?;
        Ok(WriteTx::new(inner, turn))
    }

    /// Brings the schema up to date, all of it or nothing. A schema that is newer than this build is refused.
    ///
    /// # Errors
    /// When a migration fails, or the database knows one that this build doesn't.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<(), SqlError> {
        let _turn = self.turn.lock().await;
        let inner = self.writer.begin().await.map_err(SqlError::Migrate)?;
        M::up(&inner, None).await.map_err(SqlError::Migrate)?;
        inner.commit().await.map_err(SqlError::Migrate)
    }

    /// Closes every connection, after the writer is done.
    ///
    /// # Errors
    /// When the database doesn't close.
    pub async fn close(self) -> Result<(), SqlError> {
        let _turn = self.turn.lock().await;
        self.readers.close_by_ref().await?;
        self.writer.close_by_ref().await?;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

fn options(url: &str, path: Option<&Path>, access: Access) -> ConnectOptions {
    let path = path.map(Path::to_owned);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(if access == Access::Write { 1 } else { READERS_MAX })
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .idle_timeout(None)
        .max_lifetime(None)
        // Statements are logged by nobody: their values may be personal.
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = match &path {
                Some(path) => sqlite.filename(path),
                None => sqlite,
            };
            sqlite_options(sqlite, access)
        });
    options
}

fn sqlite_options(sqlite: SqliteConnectOptions, access: Access) -> SqliteConnectOptions {
    let sqlite = sqlite
        .busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX))
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    match access {
        Access::Write => sqlite.create_if_missing(true).journal_mode(SqliteJournalMode::Wal),
        Access::Read => sqlite.create_if_missing(false).pragma("query_only", "ON"),
    }
}
