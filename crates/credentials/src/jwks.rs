//! The public key set at `/.well-known/jwks.json`.

use domain::VerifyingKey;

/// A set of public keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jwks {
    keys: Vec<VerifyingKey>,
}

/// A text is no key set of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Malformed.
    #[error("malformed")]
    Malformed,
}

impl Jwks {
    /// A set of these keys.
    pub fn from_keys(keys: &[VerifyingKey]) -> Self {
        Self { keys: keys.to_vec() }
    }
    /// The keys.
    pub fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }
    /// The body to serve.
    pub fn to_json(&self) -> String {
        todo!()
    }
    /// Reads a body.
    ///
    /// # Errors
    /// When it is no key set.
    pub fn from_json(_text: &str) -> Result<Self, JwksError> {
        todo!()
    }
}
