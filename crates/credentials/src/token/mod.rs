//! Temporary keys: JWS compact (RFC 7515), read strictly.
//!
//! What our own key has not signed is not looked at beyond its header, and of the header only the name of a key of
//! ours counts. The algorithm is the key's, `typ` is exactly [`header::TYP`], and every member is there once, with its one
//! type. Whether the claims are to be believed (time, issuer, revocation, rights) is the crate `verify`'s to say.

pub(crate) mod claims;
pub(crate) mod header;
mod leash;
mod lock;

use domain::limits::TEMPORARY_KEY_BYTES_MAX;
use domain::token::Claims;
use domain::{Kid, Reason};

pub use claims::ClaimsError;
pub use header::TYP;
pub use lock::is_lock;

use crate::ParsedVerifyingKey;
use crate::encoding::{decode, decode_exact, is_base64url};
use crate::verifying_key::SIGNATURE_BYTES;
use header::HeaderError;

/// Claims that one of our keys has signed, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedToken {
    /// What it says.
    pub claims: Claims,
    /// The key that signed it.
    pub kid: Kid,
}

/// Why a text is no temporary key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any temporary key.
    #[error("longer than any temporary key: at most {TEMPORARY_KEY_BYTES_MAX} bytes")]
    TooLong,
    /// Not three parts of canonical base64url.
    #[error("not three parts of base64url with dots between them")]
    Malformed,
    /// The header has other members than `alg`, `kid` and `typ`.
    #[error("not a temporary key of this instance: its header has other members than alg, kid and typ")]
    Header,
    /// Another algorithm than the key's.
    #[error("not a temporary key of this instance: its alg is not the one of our keys")]
    Algorithm,
    /// Another kind of token.
    #[error("a signed token, but not a temporary key: its typ is not {TYP}")]
    Typ,
    /// A key that isn't ours, or is no more.
    #[error("signed by a key that this instance doesn't have, or has no more: mint a new temporary key here")]
    UnknownKey,
    /// The signature doesn't fit.
    #[error("its signature doesn't fit: it was altered, or made elsewhere")]
    Signature,
    /// Signed by us, but not with the claims of a temporary key.
    #[error("signed, but not readable as a temporary key: {0}")]
    Claims(#[from] ClaimsError),
}

impl TokenError {
    /// The stable code: what can't be read at all is an unknown credential, what was signed wrongly an invalid token.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLong | Self::Malformed => Reason::CredentialUnknown,
            Self::Header
            | Self::Algorithm
            | Self::Typ
            | Self::UnknownKey
            | Self::Signature
            | Self::Claims(_) => Reason::TokenInvalid,
        }
    }
}

impl From<HeaderError> for TokenError {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::Encoding => Self::Malformed,
            HeaderError::Members => Self::Header,
            HeaderError::Algorithm => Self::Algorithm,
            HeaderError::Typ => Self::Typ,
        }
    }
}

/// Verifies the signature, then reads the claims strictly. Says nothing about time, revocation or rights.
///
/// `find` gives the key of a kid, if it is one of ours and may still verify.
///
/// # Errors
/// When the text is no token that one of our keys signed as a temporary key.
pub fn verify_signature(
    token: &str,
    find: impl Fn(&Kid) -> Option<ParsedVerifyingKey>,
) -> Result<Claims, TokenError> {
    read(token, find).map(|signed| signed.claims)
}

/// As [`verify_signature`], and tells which key it was.
///
/// # Errors
/// The same.
pub fn read(
    token: &str,
    find: impl Fn(&Kid) -> Option<ParsedVerifyingKey>,
) -> Result<SignedToken, TokenError> {
    if token.len() > TEMPORARY_KEY_BYTES_MAX {
        return Err(TokenError::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let is_part = |part: &str| part.bytes().all(is_base64url);
    if header.is_empty() || payload.is_empty() || ![header, payload, signature].into_iter().all(is_part) {
        return Err(TokenError::Malformed);
    }
    let header = header::read(header)?;
    let key = find(&header.kid).filter(|key| *key.kid() == header.kid).ok_or(TokenError::UnknownKey)?;
    if header.algorithm != key.algorithm() {
        return Err(TokenError::Algorithm);
    }
    let signature: [u8; SIGNATURE_BYTES] = decode_exact(signature).ok_or(TokenError::Signature)?;
    if !key.verifies(signed.as_bytes(), &signature) {
        return Err(TokenError::Signature);
    }
    // Only from here on are the claims looked at.
    let json = decode(payload).ok_or(TokenError::Malformed)?;
    // The key's own kid: tokens that are remembered share it.
    Ok(SignedToken { claims: claims::read(&json)?, kid: key.kid().clone() })
}

/// Reads a JSON object, which must begin with its brace: serde would read a struct from an array, too.
fn object<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}
