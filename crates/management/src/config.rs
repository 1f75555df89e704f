//! What the management API is told by whoever starts it.

use std::sync::Arc;

use domain::Rng;

/// The body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long browsers may keep the answer to a preflight, in seconds.
pub const PREFLIGHT_SECONDS: u32 = 600;
/// How long a key set may be kept, in seconds. A new signing key is published for longer before its first use.
pub const JWKS_FRESH_SECONDS: u32 = 300;

/// What the management API needs besides the use cases.
#[derive(Debug, Clone)]
pub struct ManagementConfig {
    /// Makes request ids.
    pub rng: Arc<dyn Rng>,
    /// Where the API is reached, without `/v1`: for its document and its examples.
    pub url: String,
    /// Where browsers reach the portal: for links that an operator hands over.
    pub portal_url: String,
    /// How fast it may be called.
    pub limits: ManagementLimits,
}

impl ManagementConfig {
    /// Everything by default.
    pub fn new(rng: Arc<dyn Rng>, url: impl Into<String>, portal_url: impl Into<String>) -> Self {
        Self { rng, url: url.into(), portal_url: portal_url.into(), limits: ManagementLimits::default() }
    }
}

/// How fast the management API may be called. How fast an API key may mint is its plan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManagementLimits {
    /// Calls of one management token, per second.
    pub credential_calls_per_second_max: u32,
    /// Calls from one network (an IPv4 address, or an IPv6 /64), per second.
    pub network_calls_per_second_max: u32,
    /// Credentials from one network that are refused, per second.
    pub network_failures_per_second_max: u32,
}

impl Default for ManagementLimits {
    fn default() -> Self {
        Self {
            credential_calls_per_second_max: 100,
            network_calls_per_second_max: 500,
            network_failures_per_second_max: 50,
        }
    }
}
