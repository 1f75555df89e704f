//! Public parts of signing keys.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, named_enum};

named_enum! {
    /// Signature algorithm of one key; a key has exactly one. Names are JOSE's.
    Algorithm {
        /// Ed25519 (RFC 8037).
        EdDsa = "EdDSA",
        /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
        Es256 = "ES256",
    }
}

named_enum! {
    /// Where a signing key stands in its life: published before first use, kept until its last token expired.
    SigningKeyState {
        /// In the JWKS, not yet used.
        Published = "published",
        /// Signs new temporary keys.
        Signing = "signing",
        /// Verifies only.
        Retiring = "retiring",
        /// Nothing that it signed is valid, whatever it says: someone else may have had it.
        Revoked = "revoked",
    }
}

/// The `kid` of a signing key: 1 to 64 characters of base64url.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kid(Arc<str>);

impl Kid {
    /// Takes a kid that this instance made.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 16 characters as a number: 96 bits of a thumbprint, which tell keys apart where a whole kid would be too
    /// much to carry along with each request.
    pub fn tag(&self) -> u128 {
        self.0.bytes().take(16).fold(0, |tag, byte| tag << 8 | u128::from(byte))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({})", self.0)
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key that verifies temporary keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyingKey {
    /// Its name in token headers.
    pub kid: Kid,
    /// The one algorithm that it is used with.
    pub algorithm: Algorithm,
    /// Ed25519: 32 bytes; P-256: the uncompressed point, 65 bytes.
    pub public_key: Vec<u8>,
    /// From when on nothing it signed is valid any more; `None` while it may still sign.
    pub retired_at: Option<Timestamp>,
}
