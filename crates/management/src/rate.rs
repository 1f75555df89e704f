//! How fast one credential, and one network, may call. A bucket is one number: the moment by which what was done so far
//! would be within the rate (the generic cell rate algorithm).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use domain::{ApiKeyId, ManagementTokenId, Reason, Refusal, Timestamp, rate};

use crate::config::ManagementLimits;

const SECOND_MICROS: i64 = 1_000_000;
/// Buckets of one kind that are remembered before those that are full again are dropped.
const BUCKETS_KEPT_MAX: usize = 10_000;

/// The buckets of the management API.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: ManagementLimits,
    credentials: Buckets<ManagementTokenId>,
    api_keys: Buckets<ApiKeyId>,
    networks: Buckets<IpAddr>,
    failures: Buckets<IpAddr>,
}

impl Rates {
    pub(crate) fn new(limits: ManagementLimits) -> Self {
        Self {
            limits,
            credentials: Buckets::default(),
            api_keys: Buckets::default(),
            networks: Buckets::default(),
            failures: Buckets::default(),
        }
    }

    /// Counts a call of a management token.
    ///
    /// # Errors
    /// When it calls too fast.
    pub(crate) fn credential(&self, id: ManagementTokenId, now: Timestamp) -> Result<(), Refusal> {
        let max = self.limits.credential_calls_per_second_max;
        self.credentials.take(id, max, now).map_err(|wait| too_fast("This management token calls", max, wait))
    }

    /// Counts a call of an API key that changes something. Minting has limits of its own.
    ///
    /// # Errors
    /// When it calls too fast.
    pub(crate) fn api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<(), Refusal> {
        let max = self.limits.credential_calls_per_second_max;
        self.api_keys.take(id, max, now).map_err(|wait| too_fast("This API key calls", max, wait))
    }

    /// Counts a call from a network, whoever makes it.
    ///
    /// # Errors
    /// When it calls too fast, or presented too many credentials that were refused.
    pub(crate) fn network(&self, peer: IpAddr, now: Timestamp) -> Result<(), Refusal> {
        self.failing(peer, now)?;
        let max = self.limits.network_calls_per_second_max;
        let taken = self.networks.take(network_of(peer), max, now);
        taken.map_err(|wait| too_fast("Your network calls", max, wait))
    }

    /// Refuses where too many credentials of a network were refused.
    ///
    /// # Errors
    /// [`Reason::RateLimited`].
    pub(crate) fn failing(&self, peer: IpAddr, now: Timestamp) -> Result<(), Refusal> {
        let max = self.limits.network_failures_per_second_max;
        match self.failures.wait(network_of(peer), max, now) {
            Some(wait) => Err(too_fast("Your network presents credentials that are refused", max, wait)),
            None => Ok(()),
        }
    }

    /// Counts a credential that was refused.
    pub(crate) fn failure(&self, peer: IpAddr, now: Timestamp) {
        let max = self.limits.network_failures_per_second_max;
        // Counted or full, the next call from there is told.
        let _ = self.failures.take(network_of(peer), max, now);
    }
}

fn too_fast(who: &str, per_second_max: u32, wait_micros: i64) -> Refusal {
    let seconds = u32::try_from(wait_micros.div_euclid(SECOND_MICROS)).unwrap_or(0).saturating_add(1);
    let sentence =
        format!("{who} more than {per_second_max} times per second. Wait {seconds} s, then go on slower.");
    Refusal::new(Reason::RateLimited, sentence).retry_after(seconds)
}

/// What counts as one network: an IPv4 address, or the /64 that one subscriber has in IPv6.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[derive(Debug)]
struct Buckets<K>(Mutex<HashMap<K, i64>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// Takes one of `per_second_max`; unused ones are kept for a second. Else tells after how many microseconds there
    /// is one.
    fn take(&self, key: K, per_second_max: u32, now: Timestamp) -> Result<(), i64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_KEPT_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, due| !rate::is_idle(*due, now));
        }
        let due = rate::take_one(buckets.get(&key).copied().unwrap_or_default(), per_second_max, now)?;
        // When every bucket is in use, a new one is not limited rather than an old one forgotten.
        if buckets.len() < BUCKETS_KEPT_MAX || buckets.contains_key(&key) {
            buckets.insert(key, due);
        }
        Ok(())
    }

    /// After how many microseconds there is one again, if there is none now. Takes none.
    fn wait(&self, key: K, per_second_max: u32, now: Timestamp) -> Option<i64> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = buckets.get(&key).copied().unwrap_or_default();
        rate::take_one(due, per_second_max, now).err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn rates() -> Rates {
        Rates::new(ManagementLimits {
            credential_calls_per_second_max: 10,
            network_calls_per_second_max: 20,
            network_failures_per_second_max: 5,
        })
    }

    /// A second's worth may be used at once, then as fast as the rate; who waits as told gets through.
    #[test]
    fn a_credential_is_held_to_its_rate() {
        let rates = rates();
        let (one, other) = (ManagementTokenId::from_u128(1), ManagementTokenId::from_u128(2));
        assert_eq!((0..50).filter(|_| rates.credential(one, NOW).is_ok()).count(), 10);
        let refusal = rates.credential(one, NOW).unwrap_err();
        assert_eq!((refusal.reason, refusal.retry_after_seconds), (Reason::RateLimited, Some(1)));
        assert!(rates.credential(other, NOW).is_ok());
        assert!(rates.credential(one, NOW.plus_seconds(1)).is_ok());
    }

    /// Guessing credentials shuts a network out for a moment, whatever it presents next; others are not concerned.
    #[test]
    fn guessing_shuts_a_network_out() {
        let rates = rates();
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..5 {
            assert!(rates.network(guesser, NOW).is_ok());
            rates.failure(guesser, NOW);
        }
        assert!(rates.network("2001:db8::ffff".parse().unwrap(), NOW).is_err(), "the same /64");
        assert!(rates.network("2001:db8:0:1::1".parse().unwrap(), NOW).is_ok());
        assert!(rates.network("192.0.2.1".parse().unwrap(), NOW).is_ok());
        assert!(rates.network(guesser, NOW.plus_seconds(1)).is_ok());
    }

    /// However many networks call, memory has a bound.
    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::default();
        for key in 0..(BUCKETS_KEPT_MAX as u32 + 100) {
            assert!(buckets.take(key, 1, NOW).is_ok());
        }
        assert_eq!(buckets.0.lock().unwrap().len(), BUCKETS_KEPT_MAX);
        assert!(buckets.take(u32::MAX, 1, NOW.plus_seconds(2)).is_ok());
        assert_eq!(buckets.0.lock().unwrap().len(), 1);
    }
}
