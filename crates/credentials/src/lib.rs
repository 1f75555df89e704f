//! Formats of Voxgate's credentials: opaque secrets with a checksum, temporary keys (signed tokens), the
//! key set that verifies them, and the wrapping of secrets at rest.
//!
//! Pure: no I/O and no clock; randomness comes from a [`domain::Rng`] that is handed in. Whether a well-formed
//! credential is *good* for something is the crate `verify`'s to say.

mod encoding;
pub mod imported;
pub mod jwks;
pub mod keyed_hash;
pub mod secret;
pub mod shape;
pub mod signing_key;
mod thumbprint;
pub mod token;
pub mod verifying_key;
pub mod wrap;

pub use imported::{NotImportable, check_imported, hash_hint, read_hash};
pub use jwks::Jwks;
pub use keyed_hash::{hmac_sha256, keyed_hash};
pub use secret::{PlainSecret, SecretKind, hash_secret, is_same};
pub use shape::{Shape, classify};
pub use signing_key::{SignError, SigningKey};
pub use token::{SignedToken, TokenError, verify_signature};
pub use verifying_key::{KeyError, ParsedVerifyingKey};
pub use wrap::{MasterKey, WrapError};
