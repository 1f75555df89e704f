//! Opening PostgreSQL, and what it needs to behave as SQLite does.

use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, RuntimeErr, SqlxPostgresConnector};

use crate::db::Access;
use crate::place::PostgresUrl;
use crate::{DbPlace, SqlError};

/// How long to wait for a free or a new connection: whoever waits wants to be told soon that the server is away.
const ACQUIRE_SECONDS_MAX: u64 = 5;
/// How long one statement may take at the server, in milliseconds.
const STATEMENT_MILLIS_MAX: u32 = 30_000;
/// How long a statement waits for another node's lock, in milliseconds.
const LOCK_MILLIS_MAX: u32 = 10_000;
/// How long a transaction may do nothing, in milliseconds: a node that is cut off must not keep the others waiting.
const IDLE_IN_TRANSACTION_MILLIS_MAX: u32 = 60_000;
/// A connection that nobody used for so long is closed.
const IDLE_SECONDS_MAX: u64 = 600;
/// How the server's own lists name us.
const APPLICATION_NAME: &str = "voxgate";
/// Only one node changes a schema at a time: the key of the lock, "voxgate" in ASCII.
const MIGRATION_LOCK: i64 = 0x0076_6f78_6761_7465;

pub(crate) async fn connect(url: &PostgresUrl, access: Access) -> Result<DatabaseConnection, SqlError> {
    let shown = || DbPlace::Postgres(url.clone()).to_string();
    let options = url.options().map_err(|source| SqlError::Url { place: shown(), source })?;
    let connections_max = match access {
        Access::Write => 1,
        Access::Read => url.connections_max.saturating_sub(1).max(1),
    };
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .min_connections(0)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .idle_timeout(Duration::from_secs(IDLE_SECONDS_MAX))
        .connect_with(with_limits(options, access))
        .await
        .map_err(|error| SqlError::Open {
            place: shown(),
            source: DbErr::Conn(RuntimeErr::SqlxError(error.into())),
        })?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

fn with_limits(options: PgConnectOptions, access: Access) -> PgConnectOptions {
    let named = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name(APPLICATION_NAME),
    };
    let limited = named
        // Statements are logged by nobody: their values may be personal.
        .disable_statement_logging()
        .options([
            ("statement_timeout", STATEMENT_MILLIS_MAX.to_string()),
            // The driver logs notices, such as that a table exists already.
            ("client_min_messages", String::from("warning")),
            ("lock_timeout", LOCK_MILLIS_MAX.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MILLIS_MAX.to_string()),
        ]);
    match access {
        Access::Write => limited,
        Access::Read => limited.options([("default_transaction_read_only", "on")]),
    }
}

/// Keeps other nodes from changing the schema until the transaction ends, and gives it the time that it needs.
pub(crate) async fn lock_for_migration(tx: &impl ConnectionTrait) -> Result<(), DbErr> {
    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
    lift_statement_limit(tx).await?;
    tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
    Ok(())
}

/// For a transaction that reads or writes whole tables.
pub(crate) async fn lift_statement_limit(tx: &impl ConnectionTrait) -> Result<(), DbErr> {
    tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
    tx.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    Ok(())
}

/// Texts are compared and ordered byte by byte, as in SQLite, whatever the locale of the server: every column of text
/// that a migration made gets the collation "C".
pub(crate) async fn make_texts_exact(tx: &impl ConnectionTrait) -> Result<(), DbErr> {
    tx.execute_unprepared(
        r#"DO $$
DECLARE made record;
BEGIN
    FOR made IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name <> 'seaql_migrations'
            AND data_type IN ('text', 'character varying') AND collation_name IS NULL
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE text COLLATE "C"', made.table_name, made.column_name);
    END LOOP;
END $$"#,
    )
    .await?;
    Ok(())
}
