//! Bringing a schema up to date, and reading one that is newer.
//!
//! Beside the names of the migrations a database keeps the number of its schema, and the number of the oldest schema
//! whose readers still understand it. So an older program may look into a newer database, as `doctor` does, where that
//! is harmless; it never writes there.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{Db, DbPlace, SqlError, WriteTx, postgres};

/// A schema: its migrations, and who can still read what they make.
pub trait Schema: MigratorTrait {
    /// The number of migrations that the oldest program knew whose readers still understand this schema. It rises only
    /// with a migration that takes something away or gives it another meaning.
    const MIN_READER: usize;
}

fn names<S: Schema>() -> Vec<String> {
    let migrations: Vec<Box<dyn MigrationTrait>> = S::migrations();
    migrations.iter().map(|migration| migration.name().to_owned()).collect()
}

impl Db {
    /// Brings the schema up to date, all of it or nothing, one node at a time. A schema that is newer than this build is
    /// refused.
    ///
    /// # Errors
    /// When a migration fails, or the database knows one that this build doesn't.
    pub async fn migrate<S: Schema>(&self) -> Result<(), SqlError> {
        let mut tx = self.write().await?;
        up::<S>(&mut tx, None).await.map_err(SqlError::Migrate)?;
        drop(tx.commit().await?);
        Ok(())
    }

    /// Opens a database for reading alone, without changing its schema.
    ///
    /// # Errors
    /// When it can't be opened, or this build doesn't understand its schema.
    pub async fn open_read_only<S: Schema>(place: &DbPlace) -> Result<Self, SqlError> {
        let db = Self::connect_read_only(place).await?;
        check_readable::<S>(&db, place).await?;
        Ok(db)
    }

    /// Opens a database for reading alone, though its schema may be an older one: tables and columns may be missing.
    ///
    /// # Errors
    /// When it can't be opened, has no schema, or one that this build doesn't understand.
    pub async fn open_older_read_only<S: Schema>(place: &DbPlace) -> Result<Self, SqlError> {
        let db = Self::connect_read_only(place).await?;
        match check_readable::<S>(&db, place).await {
            Ok(()) | Err(SqlError::Older { .. }) => Ok(db),
            Err(error) => Err(error),
        }
    }

    /// The names of the migrations that made this schema, oldest first; none where there is no schema.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn migrations(&self) -> Result<Vec<String>, SqlError> {
        if !has_table(self.read(), "seaql_migrations").await? {
            return Ok(Vec::new());
        }
        let sql = "SELECT version FROM seaql_migrations";
        let rows = self.read().query_all_raw(plain(self.read(), sql)).await?;
        let mut names: Vec<String> =
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?;
        names.sort_unstable();
        Ok(names)
    }
}

/// Runs migrations: all that are missing, or the first `count` of them.
pub(crate) async fn up<S: Schema>(tx: &mut WriteTx, count: Option<usize>) -> Result<(), DbErr> {
    let inner = tx.whole();
    let is_postgres = inner.get_database_backend() == DbBackend::Postgres;
    if is_postgres {
        postgres::lock_for_migration(inner).await?;
    }
    S::up(inner, count.map(|count| u32::try_from(count).unwrap_or(u32::MAX))).await?;
    if is_postgres {
        postgres::make_texts_exact(inner).await?;
    }
    if count.is_none() {
        note_version::<S>(inner).await?;
    }
    Ok(())
}

async fn note_version<S: Schema>(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    tx.execute_unprepared(
        "CREATE TABLE IF NOT EXISTS schema_version \
         (singleton INTEGER PRIMARY KEY, version BIGINT NOT NULL, min_reader BIGINT NOT NULL)",
    )
    .await?;
    let sql = format!(
        "INSERT INTO schema_version VALUES (1, {}, {}) ON CONFLICT (singleton) \
         DO UPDATE SET version = excluded.version, min_reader = excluded.min_reader",
        S::migrations().len(),
        S::MIN_READER
    );
    tx.execute_unprepared(&sql).await?;
    Ok(())
}

async fn check_readable<S: Schema>(db: &Db, place: &DbPlace) -> Result<(), SqlError> {
    let found = db.migrations().await?;
    let known = names::<S>();
    if found.is_empty() {
        return Err(SqlError::Empty { place: place.to_string() });
    }
    let is_same_line = found.iter().zip(&known).all(|(found, known)| found == known);
    if !is_same_line {
        return Err(SqlError::Foreign { place: place.to_string() });
    }
    if found.len() < known.len() {
        return Err(SqlError::Older { place: place.to_string() });
    }
    if found.len() > known.len() && min_reader(db).await? > known.len() {
        return Err(SqlError::Newer { place: place.to_string() });
    }
    Ok(())
}

async fn min_reader(db: &Db) -> Result<usize, SqlError> {
    let sql = "SELECT min_reader FROM schema_version WHERE singleton = 1";
    let row = db.read().query_one_raw(plain(db.read(), sql)).await?;
    let number: i64 = row.map_or(Ok(i64::MAX), |row| row.try_get_by_index(0))?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// Whether there is such a table.
pub(crate) async fn has_table(connection: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => {
            format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name = '{name}'")
        }
        _ => format!(
            "SELECT table_name::text FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = '{name}'"
        ),
    };
    Ok(connection.query_one_raw(plain(connection, &sql)).await?.is_some())
}

/// Whether a table has such a column.
pub(crate) async fn has_column(
    connection: &impl ConnectionTrait,
    table: &str,
    column: &str,
) -> Result<bool, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_table_info('{table}') WHERE name = '{column}'"),
        _ => format!(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() \
             AND table_name = '{table}' AND column_name = '{column}'"
        ),
    };
    Ok(connection.query_one_raw(plain(connection, &sql)).await?.is_some())
}

fn plain(connection: &impl ConnectionTrait, sql: &str) -> Statement {
    Statement::from_string(connection.get_database_backend(), sql)
}
