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
}
