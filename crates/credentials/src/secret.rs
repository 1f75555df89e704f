//! Opaque secrets.

use domain::{Rng, SecretHash};
use zeroize::Zeroizing;

/// What an opaque secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// An API key, `vgk_…`.
    ApiKey,
    /// A management token, `vgm_…`.
    ManagementToken,
    /// A gateway's enrolment credential, `vgg_…`.
    Enrolment,
}

impl SecretKind {
    /// What secrets of this kind start with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "vgk_",
            Self::ManagementToken => "vgm_",
            Self::Enrolment => "vgg_",
        }
    }

    /// A new secret.
    pub fn generate(self, _rng: &dyn Rng) -> PlainSecret {
        todo!()
    }
}

/// A secret in the clear.
#[derive(Clone)]
pub struct PlainSecret(Zeroizing<String>);

impl PlainSecret {
    /// Takes a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Its stored form.
    pub fn hash(&self) -> SecretHash {
        hash_secret(&self.0)
    }
    /// Prefix and last four characters.
    pub fn hint(&self) -> String {
        todo!()
    }
}

impl std::fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

/// SHA-256 of a presented secret.
pub fn hash_secret(_presented: &str) -> SecretHash {
    todo!()
}
