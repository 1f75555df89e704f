//! How the ledger fails.

use sea_orm::DbErr;
use sql::SqlError;

/// Why the ledger could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database failed.
    #[error("the region's ledger failed")]
    Sql(#[from] SqlError),
    /// A row holds what no version of this program writes.
    #[error("the ledger's table {table} holds an impossible {column}")]
    Impossible {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The engine gave an id that another job has.
    #[error("the engine gave the id of a job that exists already")]
    JobExists,
}

impl LedgerError {
    /// Whether the same call may succeed later, once the disk has room or the server is back.
    pub const fn is_unavailable(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_unavailable(),
            Self::Impossible { .. } | Self::JobExists => false,
        }
    }
}

impl From<DbErr> for LedgerError {
    fn from(error: DbErr) -> Self {
        Self::Sql(error.into())
    }
}
