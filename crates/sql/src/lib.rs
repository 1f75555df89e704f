//! Databases: pools, the single writer, transactions that refuse to commit after an error, the migration runner.
//!
//! [`Db::read`] reads, [`Db::read_tx`] reads several tables as of one moment, [`Db::write`] opens the one write
//! transaction that there is at a time. SQLite runs in WAL mode with `synchronous=FULL`: what was committed
//! survives a crash of the process and of the machine.

mod db;
mod error;
mod write;

pub use db::Db;
pub use error::SqlError;
pub use write::{Turn, WriteTx};
