//! Tokens whose signature was found good. The cache skips the signature and nothing else: every other check runs each
//! time, on the tables as they are then.

use std::sync::{Arc, LazyLock};

use credentials::SignedToken;
use domain::token::Claims;
use domain::{InstanceId, Kid, Leash, SecretHash};
use quick_cache::sync::Cache;

use crate::state::keys::{Hint, KeyTable};

/// Verified tokens that are remembered, in entries of about 700 bytes.
pub(crate) const CACHED_TOKENS_MAX: usize = 65_536;

static NO_LEASH: LazyLock<Arc<Leash>> = LazyLock::new(Arc::default);

/// The leash of credentials without one, shared by all of them.
pub(crate) fn no_leash() -> Arc<Leash> {
    Arc::clone(&NO_LEASH)
}

/// What a token says, and which key says so. What is compared on every use is held ready, not behind pointers.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    /// The claims, without their leash.
    pub(crate) claims: Claims,
    /// `iss`, if it is an instance at all: each has one text only.
    pub(crate) issuer: Option<InstanceId>,
    pub(crate) leash: Arc<Leash>,
    pub(crate) kid: Kid,
    /// The kid's tag.
    pub(crate) signed_by: u128,
    /// Where its parent was when it was verified.
    pub(crate) parent: Option<Hint>,
}

impl VerifiedToken {
    pub(crate) fn new(mut token: SignedToken, keys: &KeyTable) -> Self {
        let leash = std::mem::take(&mut token.claims.leash);
        Self {
            issuer: InstanceId::parse(&token.claims.issuer),
            leash: if leash.is_empty() { no_leash() } else { Arc::new(leash) },
            parent: keys.find_by_id(token.claims.api_key_id).map(|key| key.hint()),
            claims: token.claims,
            signed_by: token.kid.tag(),
            kid: token.kid,
        }
    }
}

/// Verified tokens by the SHA-256 of their whole text: a shorter key would let two tokens share an entry.
pub(crate) struct TokenCache(Cache<SecretHash, Arc<VerifiedToken>>);

impl TokenCache {
    pub(crate) fn find(&self, token: &SecretHash) -> Option<Arc<VerifiedToken>> {
        self.0.get(token)
    }

    pub(crate) fn remember(&self, token: SecretHash, verified: Arc<VerifiedToken>) {
        self.0.insert(token, verified);
    }

    pub(crate) fn forget(&self, token: &SecretHash) {
        self.0.remove(token);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self(Cache::new(CACHED_TOKENS_MAX))
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("tokens", &self.len()).finish()
    }
}
