//! Who answers.

/// What answers name as the engine's version.
pub(crate) const VERSION: &str = concat!("voxgate-sandbox-", env!("CARGO_PKG_VERSION"));
