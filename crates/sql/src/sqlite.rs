//! Opening SQLite.

use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use crate::SqlError;
use crate::db::Access;

/// Connections that read.
const READERS_MAX: u32 = 4;
/// How long SQLite waits for a lock of another process, for example of a backup.
const BUSY_SECONDS_MAX: u64 = 10;
/// How often opening is tried again while somebody else has the file locked.
const BUSY_RETRIES_MAX: u32 = 500;
/// How long to wait between these tries, in milliseconds.
const BUSY_RETRY_MILLIS: u64 = 20;
/// SQLite's code for a locked file.
const SQLITE_BUSY: u32 = 5;
/// How long to wait for a free connection.
const ACQUIRE_SECONDS_MAX: u64 = 30;

/// Opens a file; for writing it is made if it is missing, and switched to WAL.
///
/// SQLite doesn't wait for its lock while a file is switched to WAL: of several programs that start on a new file at the
/// same time, some are told that it is busy. They try again.
pub(crate) async fn connect(path: &Path, access: Access) -> Result<DatabaseConnection, SqlError> {
    let mut retries = BUSY_RETRIES_MAX;
    loop {
        let source = match Database::connect(options(path, access)).await {
            Ok(connection) => return Ok(connection),
            Err(source) => source,
        };
        if retries == 0 || !is_busy(&source) {
            return Err(SqlError::Open { place: path.display().to_string(), source });
        }
        retries -= 1;
        tokio::time::sleep(Duration::from_millis(BUSY_RETRY_MILLIS)).await;
    }
}

/// Whether somebody else has the file locked.
fn is_busy(error: &DbErr) -> bool {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else { return false };
    let RuntimeErr::SqlxError(cause) = cause else { return false };
    let code = cause.as_database_error().and_then(|error| error.code());
    // The lower byte of an extended code is the plain one.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == SQLITE_BUSY)
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
