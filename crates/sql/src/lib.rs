//! Databases: pools, the single writer, transactions that refuse to commit after an error, the migration runner.

mod error;

pub use error::SqlError;
