//! The verification path: the in-memory tables that the feed fills, and one function from a presented
//! credential and a need to a [`Principal`] or a [`domain::Refusal`]. No I/O.

pub mod bearer;
pub mod manager;
pub mod need;
pub mod principal;
pub mod signed_claims;
pub mod tables;

pub use bearer::{Bearer, presented_bearer};
pub use manager::Manager;
pub use need::{Leeway, Need, Surface};
pub use principal::Principal;
pub use signed_claims::{Expect, SignedClaims};
pub use tables::Tables;
