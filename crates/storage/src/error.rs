//! The ways in which the store fails.

use sea_orm::DbErr;
use sql::SqlError;

/// Why a call of the store failed. Absence is never an error: it is `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A row holds what it can't hold: something else wrote it, or a newer version did.
    #[error("table {table}, row {row}: {column} holds what this version can't read")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row, by its key.
        row: String,
    },
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Sql(error.into())
    }
}

impl StoreError {
    /// Whether the same call may succeed later, once the disk has room or the server is back.
    pub const fn is_unavailable(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_unavailable(),
            Self::Inconsistent { .. } => false,
        }
    }

    /// Whether a row with the same unique value existed.
    pub const fn is_unique_violation(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_unique_violation(),
            Self::Inconsistent { .. } => false,
        }
    }
}
