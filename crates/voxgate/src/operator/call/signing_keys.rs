//! Calls about signing keys and the master key.

use domain::Kid;
use serde::{Deserialize, Serialize};

/// A call about signing keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SigningKeyCall {
    /// List them.
    List,
    /// Bring a new one.
    Rotate {
        /// Whether it signs at once, without being published ahead.
        now: bool,
    },
    /// Revoke one, and everything that it signed.
    Revoke {
        /// Its kid.
        kid: Kid,
    },
}

/// Seal the private keys under another master key.
#[derive(Clone, Serialize, Deserialize)]
pub struct RewrapCall {
    /// The new key as text; without one, the data folder keeps a new one.
    pub new_key: Option<String>,
}

impl std::fmt::Debug for RewrapCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RewrapCall(…)")
    }
}

impl Drop for RewrapCall {
    fn drop(&mut self) {
        use zeroize::Zeroize as _;
        self.new_key.zeroize();
    }
}
