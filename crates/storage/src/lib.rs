//! The control plane's schema, queries and migrations.

mod error;

pub use error::StoreError;
