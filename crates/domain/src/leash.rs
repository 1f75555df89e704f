//! Limits that a temporary key carries (design 7). All are optional; an absent one doesn't limit.

use serde::{Deserialize, Serialize};

use crate::limits::ORIGIN_BYTES_MAX;
use crate::{Networks, Product};

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

    /// A limit that nothing would count for this product, by its name: it limits sessions, and such a key opens none.
    pub fn misplaced(&self, product: Product) -> Option<&'static str> {
        if matches!(product, Product::Rt | Product::Flow) {
            return None;
        }
        let limits = [
            ("uses", self.uses.is_some()),
            ("max_audio_seconds", self.max_audio_seconds.is_some()),
            ("lock", self.lock.is_some()),
        ];
        limits.into_iter().find(|(_, is_set)| *is_set).map(|(field, _)| field)
    }
}

/// `scheme://host[:port]`: what an `Origin` header holds. Compared exactly later, so the form is all there is to check.
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    text.len() <= ORIGIN_BYTES_MAX
        && scheme.starts_with(|letter: char| letter.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
        && !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"/?#@\\".contains(&byte) && !byte.is_ascii_uppercase())
}
