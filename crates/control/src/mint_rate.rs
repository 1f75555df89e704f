//! How fast one API key may mint: a bucket of tokens per key, refilled at the plan's rate, holding one second's worth.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{ApiKeyId, Timestamp, rate};

/// Parts of the memory, so that mints of different keys seldom wait for each other.
const SHARDS: usize = 16;
/// Keys remembered per part before those with full buckets are forgotten.
const KEYS_PER_SHARD_MAX: usize = 4096;

/// The buckets. Each is one number: when it would be full again, if nothing were taken from it.
#[derive(Debug, Default)]
pub(crate) struct MintRates {
    shards: [Mutex<HashMap<ApiKeyId, i64>>; SHARDS],
}

impl MintRates {
    /// Takes one token from a key's bucket. Says whether there was one.
    pub(crate) fn take(&self, key: ApiKeyId, per_second_max: u32, now: Timestamp) -> bool {
        // The last bits of an id are random.
        let shard = &self.shards[(key.as_u128() % SHARDS as u128) as usize];
        let mut buckets = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS_PER_SHARD_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, due| !rate::is_idle(*due, now));
        }
        let due = buckets.entry(key).or_default();
        let taken = rate::take_one(*due, per_second_max, now);
        *due = taken.unwrap_or(*due);
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rates: &MintRates, key: u128, per_second_max: u32, now: Timestamp) -> usize {
        (0..1_000).filter(|_| rates.take(ApiKeyId::from_u128(key), per_second_max, now)).count()
    }

    /// A second's worth may be taken at once, then as fast as the bucket refills; keys don't share buckets.
    #[test]
    fn buckets_refill_at_their_rate() {
        let rates = MintRates::default();
        let now = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(taken(&rates, 1, 50, now), 50);
        assert_eq!(taken(&rates, 2, 50, now), 50);
        assert_eq!(taken(&rates, 1, 50, Timestamp::from_micros(now.as_micros() + 100_000)), 5);
        assert_eq!(taken(&rates, 1, 50, now.plus_seconds(10)), 50);
        assert_eq!(taken(&rates, 3, 0, now), 0);
    }

    /// Keys that are idle are forgotten, so that memory has a bound; a key that is not idle is not.
    #[test]
    fn idle_keys_are_forgotten() {
        let rates = MintRates::default();
        let now = Timestamp::from_seconds(1_800_000_000);
        for key in 0..(SHARDS * KEYS_PER_SHARD_MAX) as u128 {
            assert!(rates.take(ApiKeyId::from_u128(key), 1, now));
        }
        let later = now.plus_seconds(2);
        assert!(rates.take(ApiKeyId::from_u128(u128::MAX), 1, later));
        assert!(!rates.take(ApiKeyId::from_u128(u128::MAX), 1, later));
        let remembered: usize = rates.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(remembered <= (SHARDS - 1) * KEYS_PER_SHARD_MAX + 1, "{remembered}");
    }
}
