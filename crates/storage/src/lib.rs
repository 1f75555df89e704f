//! The control plane's schema, queries and migrations.
//!
//! [`Store`] reads, and writes the few things that gateways don't need (when keys were last used, usage).
//! [`Store::change`] opens a [`ChangeTx`], whose verbs write state and note the feed's changes by themselves;
//! [`ChangeTx::publish`] is the only way to keep it, and takes the audit event. The owner (workspace, project) is a
//! parameter of every query, so what belongs to another looks absent. Absence is `Ok(None)`, never an error.

mod accounts;
mod api_keys;
mod audit;
mod backup;
mod carry_over;
mod change;
mod entities;
mod error;
mod forget;
mod instance;
mod management_tokens;
mod migrations;
mod page;
mod projects;
mod prune;
mod rows;
mod shut_out;
mod signing_keys;
mod snapshot;
mod store;
mod usage;
mod usage_sum;
mod workspaces;

pub use accounts::StoredAccount;
pub use audit::{AuditAction, AuditEntry, AuditEvent, AuditFilter};
pub use backup::{Restore, tables};
pub use carry_over::CarriedOver;
pub use change::{ChangeTx, Committed};
pub use error::StoreError;
pub use instance::Instance;
pub use page::{Page, PageRequest, Place};
pub use projects::NewProject;
pub use shut_out::ClientRefState;
pub use signing_keys::StoredSigningKey;
pub use sql::{Cell, DbPlace, Dump, InvalidDbUrl, SqlError, Table, Writes};
pub use store::Store;
pub use usage::StoredUsage;
pub use workspaces::WorkspaceLimits;
