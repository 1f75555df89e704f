//! What an account signs in with beside its password.

use serde::{Deserialize, Serialize};

use crate::{AccountId, PasskeyId, Timestamp};

/// What an account has set up to show who it is, beside its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecondFactors {
    /// Whether it has an authenticator app that shows codes.
    pub has_totp: bool,
    /// How many passkeys it has.
    pub passkeys: u64,
    /// How many of its recovery codes are unused.
    pub recovery_codes: u64,
}

impl SecondFactors {
    /// Whether a password alone signs in. Recovery codes stand in for a factor, they aren't one.
    pub const fn is_none(&self) -> bool {
        !self.has_totp && self.passkeys == 0
    }
}

/// A passkey, without what verifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// Who an account's owner is at another provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider, by its id in the configuration.
    pub provider: String,
    /// Who it is there: the provider gives this to nobody else, ever.
    pub subject: String,
    /// Whose it is here.
    pub account_id: AccountId,
    /// What its owner knows it by: an e-mail address or a name. It recognises nobody.
    pub label: String,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}
