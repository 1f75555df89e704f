//! The ways in which the store fails.

use sql::SqlError;

/// Why a call of the store failed. Absence is never an error: it is `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed")]
    Sql(#[from] SqlError),
    /// A row holds what it can't hold: it was written by something else, or by a newer version.
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
