//! Temporary keys: JWS compact, read strictly.

use domain::token::Claims;
use domain::{Kid, Reason};

use crate::ParsedVerifyingKey;

/// Why a text is no temporary key of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Malformed.
    #[error("malformed")]
    Malformed,
}

impl TokenError {
    /// The stable code.
    pub const fn reason(&self) -> Reason {
        Reason::TokenInvalid
    }
}

/// Verifies the signature, then reads the claims strictly. Says nothing about time, revocation or rights.
///
/// # Errors
/// When the text is no token that one of our keys signed as a temporary key.
pub fn verify_signature(
    _token: &str,
    _find: impl Fn(&Kid) -> Option<ParsedVerifyingKey>,
) -> Result<Claims, TokenError> {
    todo!()
}
