//! Reaching an instance over the network, by its management API: for whoever holds a management token that operates it.
//!
//! The calls and the shapes of their answers are the operator's ([`crate::operator`]); what the management API can't do is
//! refused with the reason why.

mod accounts;
mod answer;
mod audit;
mod call;
mod http;
mod keys;
mod projects;
mod quotas;
mod sessions;
mod signing_keys;
mod temporary_keys;
mod tokens;
mod url;
mod usage;
mod webhooks;
mod workspaces;

pub use call::Remote;
pub use http::{HttpAnswer, HttpClient, HttpError};
pub use url::{InvalidServerUrl, ServerUrl};
