//! A database of PostgreSQL for a test. Tests fail without a server; they are never skipped.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that has no database fails where it stands")]

mod database;

pub use database::{SERVER_VARIABLE, TestDatabase};
