//! The management API: minting and revoking temporary keys, API keys, projects, open sessions, usage, and the public keys
//! that verify what was minted; for operators workspaces, accounts, management tokens, signing keys, the audit log and the gateways.
//!
//! [`router`] is the one way in. One file per path stands in `routes`; each says its operations in the words of
//! `document`, from which both the routes and the OpenAPI document are made, and `reference` is the page to read it.
//! Who may call what stands in `auth`; what a value may be in `fields`, `mint_form` and `invalid`; how a refusal looks in
//! `problem`; how fast one may call in `rate`; how long a body may take in `whole`. Nothing here decides: the use cases of `control` do.

mod auth;
mod config;
mod context;
mod document;
mod fields;
mod invalid;
mod json;
mod layers;
mod mint_form;
mod paging;
mod problem;
mod rate;
mod reference;
mod request;
mod router;
mod routes;
mod whole;

pub use config::{BODY_BYTES_MAX, JWKS_FRESH_SECONDS, ManagementConfig, ManagementLimits, PREFLIGHT_SECONDS};
pub use json::JSON_DEPTH_MAX;
pub use router::router;
pub use whole::whole;
