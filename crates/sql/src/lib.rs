//! Databases: pools, the single writer, transactions that refuse to commit after an error, the migration runner, and
//! copying whole tables out and in.
//!
//! [`Db::read`] reads, [`Db::read_tx`] reads several tables as of one moment, [`Db::write`] opens the one write
//! transaction that this process has at a time. SQLite runs in WAL mode with `synchronous=FULL`: what was committed
//! survives a crash of the process and of the machine. PostgreSQL's texts have the collation "C", so that both compare and
//! order alike.

mod copy;
mod db;
mod error;
mod health;
mod migrate;
mod place;
mod postgres;
mod sqlite;
mod write;
mod writes;

pub use copy::{Cell, Column, Dump, Kind, Restoring, Table};
pub use db::Db;
pub use error::SqlError;
pub use migrate::Schema;
pub use place::{CONNECTIONS_DEFAULT, DbPlace, InvalidDbUrl, PostgresUrl};
pub use write::{Turn, WriteTx};
pub use writes::{WRITE_MICROS, WriteTimes, Writes};
