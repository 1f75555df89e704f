//! The tables that the feed fills, and the one function that reads them.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use credentials::{Shape, TokenError, classify, hash_secret};
use domain::link::{Change, Revision, Snapshot};
use domain::{ApiKeyId, ClientRef, InstanceId, ProjectId, Refusal, SecretHash, Timestamp, WorkspaceId};

use crate::cache::{TokenCache, VerifiedToken};
use crate::state::keys::KeyEntry;
use crate::state::{ManagerEntry, State};
use crate::{Holder, Leeway, Manager, Need, Principal, Surface, judge, sentences};

/// What verification knows. Shared as `Arc<Tables>`; every method takes `&self`. Readers never wait: writers replace
/// small parts, and a snapshot replaces everything at once.
#[derive(Debug)]
pub struct Tables {
    state: ArcSwap<State>,
    tokens: TokenCache,
    leeway: Leeway,
    /// Held by the one writer.
    writer: Mutex<()>,
    skipped: AtomicU64,
    /// Signatures that were computed.
    signatures: AtomicU64,
}

/// A genuine credential, before it is judged.
enum Genuine {
    ApiKey(KeyEntry),
    TemporaryKey(Arc<VerifiedToken>),
    ManagementToken(ManagerEntry),
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

impl Tables {
    /// Empty tables with the usual leeway: they refuse everything.
    pub fn new() -> Self {
        Self::with_leeway(Leeway::default())
    }

    /// Empty tables.
    pub fn with_leeway(leeway: Leeway) -> Self {
        Self {
            state: ArcSwap::from_pointee(State::empty()),
            tokens: TokenCache::default(),
            leeway,
            writer: Mutex::new(()),
            skipped: AtomicU64::new(0),
            signatures: AtomicU64::new(0),
        }
    }

    /// Replaces everything by a snapshot. Until it is whole, readers see the old state; then they see only the new one.
    pub fn load(&self, snapshot: &Snapshot) {
        let _writer = self.writer();
        let (state, skipped) = State::of(snapshot);
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
        self.state.store(Arc::new(state));
    }

    /// Applies the changes of one revision. Applying them twice is the same as applying them once. A change that can't
    /// be applied is skipped and counted, and refuses only what it concerns.
    pub fn apply(&self, revision: Revision, changes: &[Change]) {
        let _writer = self.writer();
        let skipped = self.state.load().apply(revision, changes);
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
    }

    /// What is known, as of now.
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    fn writer(&self) -> MutexGuard<'_, ()> {
        // A writer that panicked has left tables that are still whole: each part is replaced at once.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest revision that is enforced.
    ///
    /// Whoever mints reads it first, and asks [`Tables::client_ref_shut`] after: a client_ref revoked in between then
    /// kills the temporary key, whose `rev` is older.
    pub fn revision(&self) -> Revision {
        self.state.load().revision()
    }

    /// Changes that could not be applied since the start.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// The instance, once known.
    pub fn instance_id(&self) -> Option<InstanceId> {
        self.state.load().issuer.load().instance_id
    }

    /// The leeway.
    pub const fn leeway(&self) -> Leeway {
        self.leeway
    }

    /// API keys in the tables, revoked ones among them.
    pub fn api_keys(&self) -> usize {
        self.state.load().keys.len()
    }

    /// Verified tokens that are remembered.
    pub fn cached_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Signatures that were verified since the start, since the token was not remembered.
    pub fn signatures(&self) -> u64 {
        self.signatures.load(Ordering::Relaxed)
    }

    /// Forgets revocations of temporary keys that have expired by now.
    pub fn forget_expired(&self, now: Timestamp) {
        let _writer = self.writer();
        self.state.load().forget_expired(now);
    }

    /// Whether a client_ref is shut out: nothing is minted for it.
    pub fn client_ref_shut(&self, project_id: ProjectId, client_ref: &ClientRef) -> bool {
        self.state.load().is_client_ref_out(project_id, client_ref, None)
    }

    /// When the API key behind a principal expires, for the timer that ends its sessions. An expiry in the past, if the
    /// key is gone altogether.
    pub fn api_key_expires_at(&self, principal: &Principal) -> Option<Timestamp> {
        match self.state.load().keys.find_by_id(principal.api_key_id) {
            Some(key) => key.expires_at(),
            None => Some(Timestamp::from_micros(i64::MIN)),
        }
    }

    /// The one function: from a presented credential and a need to a principal.
    ///
    /// # Errors
    /// The first failure in the order of design 4.
    pub fn verify(&self, presented: &str, need: &Need<'_>, now: Timestamp) -> Result<Principal, Refusal> {
        let state = self.state.load();
        match self.identify(&state, presented, need.surface, now)? {
            Genuine::ApiKey(key) => judge::api_key(&state, &key, need, now),
            Genuine::TemporaryKey(token) => judge::temporary_key(&state, &token, self.leeway, need, now),
            Genuine::ManagementToken(entry) => {
                living_manager(&state, &entry)?;
                Err(sentences::management_token_mints())
            }
        }
    }

    /// Who holds a genuine credential, whatever it may do: for counting what was refused. It opens nothing.
    pub fn holder(&self, presented: &str, now: Timestamp) -> Option<Holder> {
        match self.identify(&self.state.load(), presented, Surface::Batch, now).ok()? {
            Genuine::ApiKey(key) => Some(Holder {
                project_id: key.project_id,
                api_key_id: key.id(),
                client_ref: key.client_ref().cloned(),
                is_temporary: false,
            }),
            Genuine::TemporaryKey(token) => Some(Holder {
                project_id: token.claims.project_id,
                api_key_id: token.claims.api_key_id,
                client_ref: token.claims.client_ref.clone(),
                is_temporary: true,
            }),
            Genuine::ManagementToken(_) => None,
        }
    }

    /// From a presented API key to the principal that mints.
    ///
    /// # Errors
    /// As [`Tables::verify`]; `cannot_mint` for temporary keys and management tokens.
    pub fn mint_rights(&self, presented: &str, peer: IpAddr, now: Timestamp) -> Result<Principal, Refusal> {
        let need =
            Need { surface: Surface::Mint, product: None, region: None, peer, origin: None, usage: false };
        self.verify(presented, &need, now)
    }

    /// From an API key of a workspace, named by its id, to the principal that mints: for a person who has shown otherwise that
    /// they may act for this workspace. Everything but the secret is checked as in [`Tables::mint_rights`].
    ///
    /// # Errors
    /// As [`Tables::verify`]; `credential_unknown` for a key that is none of this workspace, whatever else is wrong with it.
    pub fn mint_rights_of(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Principal, Refusal> {
        let state = self.state.load();
        let key = state.keys.find_by_id(id).ok_or_else(sentences::unknown)?;
        if !state.home(key.project_id).is_ok_and(|home| home.workspace_id == workspace_id) {
            return Err(sentences::unknown());
        }
        let need =
            Need { surface: Surface::Mint, product: None, region: None, peer, origin: None, usage: false };
        judge::api_key(&state, &key, &need, now)
    }

    /// From a presented management token to who manages.
    ///
    /// # Errors
    /// When it is none of ours, or revoked.
    pub fn verify_management(&self, presented: &str, _now: Timestamp) -> Result<Manager, Refusal> {
        match classify(presented) {
            Shape::Mistyped if presented.is_empty() => return Err(sentences::missing()),
            Shape::Mistyped => return Err(sentences::mistyped()),
            Shape::ApiKey => return Err(sentences::api_key_at_management()),
            Shape::Enrolment => return Err(sentences::enrolment_at_api()),
            Shape::ManagementToken | Shape::Token | Shape::Other => {}
        }
        let state = self.state.load();
        let Some(entry) = state.find_manager(&hash_secret(presented)) else {
            return Err(match classify(presented) {
                Shape::Token => sentences::temporary_key_at_management(),
                _ => sentences::unknown(),
            });
        };
        living_manager(&state, &entry)?;
        Ok(Manager { token_id: entry.id, workspace_id: entry.workspace_id, permissions: entry.permissions })
    }

    /// Whether an open session's principal would still pass: everything but the temporary key's own expiry, which doesn't
    /// end sessions by itself.
    ///
    /// Ask once more after a session was registered: what changed between verifying and registering was announced to
    /// registered sessions only.
    ///
    /// # Errors
    /// Why the session must end.
    pub fn still_good(&self, principal: &Principal, now: Timestamp) -> Result<(), Refusal> {
        judge::open_session(&self.state.load(), principal, now)
    }

    /// Shape, checksum, signature: what the credential is, if it is one of ours at all.
    fn identify(
        &self,
        state: &State,
        presented: &str,
        surface: Surface,
        now: Timestamp,
    ) -> Result<Genuine, Refusal> {
        let shape = classify(presented);
        match shape {
            Shape::Mistyped if presented.is_empty() => return Err(sentences::missing()),
            Shape::Mistyped => return Err(sentences::mistyped()),
            Shape::ApiKey | Shape::Token | Shape::Other => {}
            Shape::ManagementToken | Shape::Enrolment if surface == Surface::RealtimeUrl => {
                return Err(sentences::long_lived_key_in_url());
            }
            Shape::ManagementToken if surface == Surface::Mint => {}
            Shape::ManagementToken => return Err(sentences::management_token_at_api()),
            Shape::Enrolment => return Err(sentences::enrolment_at_api()),
        }
        let hash = hash_secret(presented);
        if shape == Shape::Token
            && let Some(token) = self.remembered(state, &hash, now)?
        {
            return at_its_place(token, surface);
        }
        // Imported keys may have any form, a token's too.
        if let Some(key) = state.keys.find_by_hash(&hash) {
            return Ok(Genuine::ApiKey(key));
        }
        if surface == Surface::Mint
            && let Some(entry) = state.find_manager(&hash)
        {
            return Ok(Genuine::ManagementToken(entry));
        }
        match shape {
            Shape::Token => at_its_place(self.verified(state, presented, hash, now)?, surface),
            Shape::ApiKey if surface == Surface::RealtimeUrl => Err(sentences::long_lived_key_in_url()),
            _ => Err(sentences::unknown()),
        }
    }

    /// A token whose signature was verified before, if the key that made it is still one of ours.
    fn remembered(
        &self,
        state: &State,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<Arc<VerifiedToken>>, Refusal> {
        let Some(token) = self.tokens.find(hash) else { return Ok(None) };
        if state.issuer.load().key(&token.kid, now).is_none() {
            self.tokens.forget(hash);
            return Err(sentences::token(TokenError::UnknownKey));
        }
        if judge::is_over(&token.claims, self.leeway, now) {
            self.tokens.forget(hash);
        }
        Ok(Some(token))
    }

    /// Verifies a token's signature, and remembers it unless its time is over.
    fn verified(
        &self,
        state: &State,
        presented: &str,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, Refusal> {
        self.signatures.fetch_add(1, Ordering::Relaxed);
        let issuer = state.issuer.load();
        let signed = credentials::token::read(presented, |kid| issuer.key(kid, now).cloned());
        let token = Arc::new(VerifiedToken::new(signed.map_err(sentences::token)?, &state.keys));
        if !judge::is_over(&token.claims, self.leeway, now) {
            self.tokens.remember(hash, Arc::clone(&token));
        }
        Ok(token)
    }
}

fn at_its_place(token: Arc<VerifiedToken>, surface: Surface) -> Result<Genuine, Refusal> {
    if surface == Surface::Management {
        return Err(sentences::temporary_key_at_management());
    }
    Ok(Genuine::TemporaryKey(token))
}

fn living_manager(state: &State, entry: &ManagerEntry) -> Result<(), Refusal> {
    if entry.is_revoked {
        return Err(sentences::management_token_revoked());
    }
    state.limits(entry.workspace_id).map(|_| ()).map_err(sentences::homeless)
}
