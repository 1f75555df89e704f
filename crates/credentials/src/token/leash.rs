//! The leash inside a token. As `domain::Leash`, but read strictly, and with the lock as an object: as a string, its
//! quotes would be escaped, and tokens must stay short.

use domain::limits::{NETWORKS_ENTRIES_MAX, ORIGIN_BYTES_MAX, ORIGINS_ENTRIES_MAX};
use domain::{Leash, Networks};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::claims::{ClaimsError, present};
use super::lock::is_lock;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeashMembers {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    max_sessions: Option<u32>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    uses: Option<u32>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    max_session_seconds: Option<u32>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    max_audio_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end_at_expiry: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    origins: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    lock: Option<Box<RawValue>>,
}

impl LeashMembers {
    /// None if nothing is limited.
    pub(super) fn of(leash: &Leash) -> Result<Option<Self>, ClaimsError> {
        if leash.is_empty() {
            return Ok(None);
        }
        let lock =
            leash.lock.clone().map(RawValue::from_string).transpose().map_err(|_| ClaimsError::Lock)?;
        Ok(Some(Self {
            max_sessions: leash.max_sessions,
            uses: leash.uses,
            max_session_seconds: leash.max_session_seconds,
            max_audio_seconds: leash.max_audio_seconds,
            end_at_expiry: leash.end_at_expiry,
            origins: leash.origins.clone(),
            networks: leash.networks.0.iter().map(ToString::to_string).collect(),
            lock,
        }))
    }

    pub(super) fn check(self) -> Result<Leash, ClaimsError> {
        let counts = [self.max_sessions, self.uses, self.max_session_seconds, self.max_audio_seconds];
        if counts.contains(&Some(0)) {
            return Err(ClaimsError::Leash);
        }
        let origin_fits = |origin: &String| (1..=ORIGIN_BYTES_MAX).contains(&origin.len());
        if self.origins.len() > ORIGINS_ENTRIES_MAX || !self.origins.iter().all(origin_fits) {
            return Err(ClaimsError::Leash);
        }
        if self.networks.len() > NETWORKS_ENTRIES_MAX {
            return Err(ClaimsError::Leash);
        }
        let networks: Result<Vec<_>, _> = self.networks.iter().map(|network| network.parse()).collect();
        let lock = self.lock.map(|lock| lock.get().to_owned());
        if lock.as_deref().is_some_and(|lock| !is_lock(lock)) {
            return Err(ClaimsError::Lock);
        }
        let leash = Leash {
            max_sessions: self.max_sessions,
            uses: self.uses,
            max_session_seconds: self.max_session_seconds,
            max_audio_seconds: self.max_audio_seconds,
            end_at_expiry: self.end_at_expiry,
            origins: self.origins,
            networks: Networks(networks.map_err(|_| ClaimsError::Leash)?),
            lock,
        };
        // A leash that limits nothing is left out by who signs: written down it is a slip, not a permission.
        if leash.is_empty() { Err(ClaimsError::Leash) } else { Ok(leash) }
    }
}
