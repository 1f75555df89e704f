//! The management API: minting temporary keys, API keys, projects, and the public keys that verify what was minted.
//!
//! [`router`] is the one way in. Who may call what stands in `auth`; what a value may be in `fields`, `mint_form` and
//! `invalid`; how a refusal looks in `problem`. One file per route stands in `routes`. Nothing here decides: the use
//! cases of `control` do.

mod auth;
mod config;
mod context;
mod fields;
mod invalid;
mod json;
mod layers;
mod mint_form;
mod problem;
mod request;
mod router;
mod routes;

pub use config::{BODY_BYTES_MAX, JWKS_FRESH_SECONDS, ManagementConfig, PREFLIGHT_SECONDS};
pub use json::JSON_DEPTH_MAX;
pub use router::router;
