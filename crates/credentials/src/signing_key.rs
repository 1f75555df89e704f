//! Key pairs that sign temporary keys, and the parsed keys that verify them.

use domain::token::Claims;
use domain::{Algorithm, Kid, Rng, Timestamp, VerifyingKey};
use zeroize::Zeroizing;

/// A key pair that signs temporary keys.
#[derive(Debug)]
pub struct SigningKey {
    kid: Kid,
}

/// A key can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no key of this algorithm.
    #[error("not a key")]
    Malformed,
}

/// A token can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Too long.
    #[error("too long")]
    TooLong,
}

impl SigningKey {
    /// A new key pair.
    pub fn generate(_algorithm: Algorithm, _rng: &dyn Rng) -> Self {
        todo!()
    }
    /// Reads what [`SigningKey::to_pkcs8`] wrote; the kid must be the key's thumbprint.
    ///
    /// # Errors
    /// When the bytes are no such key.
    pub fn from_pkcs8(_kid: &Kid, _algorithm: Algorithm, _bytes: &[u8]) -> Result<Self, KeyError> {
        todo!()
    }
    /// The private key as PKCS#8.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        todo!()
    }
    /// Its kid: the RFC 7638 thumbprint.
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }
    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        todo!()
    }
    /// Signs a temporary key.
    ///
    /// # Errors
    /// When it would not be read back.
    pub fn sign(&self, _claims: &Claims) -> Result<String, SignError> {
        todo!()
    }
    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        todo!()
    }
}

/// A public key parsed once, cheap to clone.
#[derive(Debug, Clone)]
pub struct ParsedVerifyingKey {
    kid: Kid,
}

impl ParsedVerifyingKey {
    /// Parses a public key.
    ///
    /// # Errors
    /// When the bytes are no such key.
    pub fn new(_key: &VerifyingKey) -> Result<Self, KeyError> {
        todo!()
    }
    /// Its kid.
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }
    /// The one algorithm that it verifies.
    pub const fn algorithm(&self) -> Algorithm {
        todo!()
    }
    /// From when on nothing it signed is valid any more.
    pub const fn retired_at(&self) -> Option<Timestamp> {
        todo!()
    }
}
