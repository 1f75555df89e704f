//! The management API over its router: real control, real SQLite, no sockets.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod bodies;
mod document;
mod operators;
mod paging;
mod protection;
mod schema;
mod temporary_keys;
mod tenants;
mod world;
