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
mod email_links;
mod entities;
mod error;
mod factors;
mod forget;
mod instance;
mod instance_lists;
mod invitations;
mod key_search;
mod management_tokens;
mod member_list;
mod migrations;
mod page;
mod portal_sessions;
mod profiles;
mod project_list;
mod projects;
mod prune;
mod quotas;
mod refusals;
mod rows;
mod shut_out;
mod signing_keys;
mod snapshot;
mod store;
mod text_search;
mod usage;
mod usage_sum;
mod webhooks;
mod workspaces;

pub use accounts::{StoredAccount, email_key};
pub use audit::{AuditAction, AuditEntry, AuditEvent, AuditFilter};
pub use backup::{Restore, tables};
pub use carry_over::CarriedOver;
pub use change::{ChangeTx, Committed};
pub use error::StoreError;
pub use factors::{StoredPasskey, StoredTotp};
pub use instance::Instance;
pub use key_search::{KeyLife, KeySearch};
pub use member_list::Member;
pub use page::{Page, PageRequest, Place};
pub use projects::NewProject;
pub use quotas::{MonthAudio, Quota};
pub use refusals::Refusals;
pub use shut_out::ClientRefState;
pub use signing_keys::StoredSigningKey;
pub use sql::{Cell, DbPlace, Dump, InvalidDbUrl, SqlError, Table, Writes};
pub use store::Store;
pub use usage::{BatchOutcome, BatchPlace, StoredUsage};
pub use webhooks::{DueMessage, ExpiredKey, NewMessage, PassedOver, StoredWebhook, Tried};
pub use workspaces::WorkspaceLimits;
