//! The tables that the feed fills.

use std::net::IpAddr;

use domain::link::{Change, Revision, Snapshot};
use domain::{ClientRef, InstanceId, ProjectId, Refusal, Timestamp};

use crate::{Leeway, Manager, Need, Principal};

/// What verification knows. Shared as `Arc<Tables>`; every method takes `&self`.
#[derive(Debug, Default)]
pub struct Tables {
    leeway: Leeway,
}

impl Tables {
    /// Empty tables with the usual leeway: they refuse everything.
    pub fn new() -> Self {
        Self::with_leeway(Leeway::default())
    }
    /// Empty tables.
    pub fn with_leeway(leeway: Leeway) -> Self {
        Self { leeway }
    }
    /// Replaces everything.
    pub fn load(&self, _snapshot: &Snapshot) {
        todo!()
    }
    /// Applies the changes of one revision.
    pub fn apply(&self, _revision: Revision, _changes: &[Change]) {
        todo!()
    }
    /// The newest revision that is enforced.
    pub fn revision(&self) -> Revision {
        todo!()
    }
    /// Changes that could not be applied since the start.
    pub fn skipped(&self) -> u64 {
        todo!()
    }
    /// The instance, once known.
    pub fn instance_id(&self) -> Option<InstanceId> {
        todo!()
    }
    /// The leeway.
    pub const fn leeway(&self) -> Leeway {
        self.leeway
    }
    /// Forgets revocations of temporary keys that have expired by now.
    pub fn forget_expired(&self, _now: Timestamp) {
        todo!()
    }
    /// Whether a client_ref is shut out: nothing is minted for it.
    pub fn client_ref_shut(&self, _project_id: ProjectId, _client_ref: &ClientRef) -> bool {
        todo!()
    }
    /// The one function: from a presented credential and a need to a principal.
    ///
    /// # Errors
    /// The first failure in the order of design 4.
    pub fn verify(&self, _presented: &str, _need: &Need<'_>, _now: Timestamp) -> Result<Principal, Refusal> {
        todo!()
    }
    /// From a presented API key to the principal that mints.
    ///
    /// # Errors
    /// As [`Tables::verify`]; `cannot_mint` for temporary keys and management tokens.
    pub fn mint_rights(
        &self,
        _presented: &str,
        _peer: IpAddr,
        _now: Timestamp,
    ) -> Result<Principal, Refusal> {
        todo!()
    }
    /// From a presented management token to who manages.
    ///
    /// # Errors
    /// When it is none of ours, or revoked.
    pub fn verify_management(&self, _presented: &str, _now: Timestamp) -> Result<Manager, Refusal> {
        todo!()
    }
    /// Whether an open session's principal would still pass; the temporary key's own expiry doesn't count.
    ///
    /// # Errors
    /// Why the session must end.
    pub fn still_good(&self, _principal: &Principal, _now: Timestamp) -> Result<(), Refusal> {
        todo!()
    }
}
