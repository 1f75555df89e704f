//! The use cases of the control plane, each by what its callers and its gateways notice.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod accounts;
mod at_rest;
mod audit;
mod feed;
mod gateways;
mod import;
mod invitations;
mod key_desk;
mod key_life;
mod keys;
mod mint;
mod mint_for_account;
mod passkeys;
mod people;
mod providers;
mod restart;
mod rewrap;
mod shared;
mod sign_in;
mod signing;
mod support;
mod totp;
mod webhooks;
