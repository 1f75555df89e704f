//! Limits that a temporary key carries (design 7). All are optional; an absent one doesn't limit.

use serde::{Deserialize, Serialize};

use crate::Networks;

/// The leash of a temporary key, checked when it is minted and signed into it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leash {
    /// Sessions of this key open at once, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_sessions: Option<u32>,
    /// Session starts in total, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// Seconds that one session may last, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_seconds: Option<u32>,
    /// Seconds of audio over all sessions of the key, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_audio_seconds: Option<u32>,
    /// Whether sessions end when the key expires.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_at_expiry: bool,
    /// The `Origin` values that may open sessions, compared exactly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
    /// The networks that sessions may come from.
    #[serde(default, skip_serializing_if = "no_networks")]
    pub networks: Networks,
    /// What `StartRecognition` must contain, as compact JSON of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
}

fn no_networks(networks: &Networks) -> bool {
    networks.0.is_empty()
}

impl Leash {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
