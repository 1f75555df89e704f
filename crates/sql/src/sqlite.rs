//! Opening SQLite.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::SqlError;
use crate::db::Access;

/// Connections that read.
const READERS_MAX: u32 = 4;
/// How long SQLite waits for a lock of another process, for example of a backup.
const BUSY_SECONDS_MAX: u64 = 10;
/// How long to wait for a free connection.
const ACQUIRE_SECONDS_MAX: u64 = 30;

/// Opens a file; for writing it is made if it is missing, and switched to WAL.
pub(crate) async fn connect(path: &Path, access: Access) -> Result<DatabaseConnection, SqlError> {
    Database::connect(options(path, access))
        .await
        .map_err(|source| SqlError::Open { place: path.display().to_string(), source })
}

fn options(path: &Path, access: Access) -> ConnectOptions {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite:file");
    options
        .max_connections(if access == Access::Write { 1 } else { READERS_MAX })
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .idle_timeout(None)
        .max_lifetime(None)
        // Statements are logged by nobody: their values may be personal.
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| sqlite_options(sqlite.filename(&path), access));
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
