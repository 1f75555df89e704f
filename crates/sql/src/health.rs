//! Whether a database is whole.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use crate::{Db, SqlError};

/// Faults that are told; one is enough to know.
const FAULTS_MAX: u32 = 10;

impl Db {
    /// Looks for damage, and tells what was found: nothing, where all is well. SQLite reads every page; PostgreSQL looks
    /// after itself, so that only its answer counts.
    ///
    /// # Errors
    /// When the database can't be read at all.
    pub async fn check_integrity(&self) -> Result<Vec<String>, SqlError> {
        let backend = self.read().get_database_backend();
        let sql = match backend {
            DbBackend::Sqlite => format!("PRAGMA quick_check({FAULTS_MAX})"),
            _ => "SELECT 'ok'".to_owned(),
        };
        let rows = self.read().query_all_raw(Statement::from_string(backend, sql)).await?;
        let said: Vec<String> =
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }
}
