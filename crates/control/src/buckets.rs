//! How often something may be tried: a bucket for each who or what, in memory of this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use domain::{Timestamp, rate};

/// Buckets remembered at once. Beyond that the emptiest ones are kept: those that somebody uses up.
const BUCKETS_MAX: usize = 100_000;

/// So many at once, then one each so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlowRate {
    /// At once.
    pub burst_max: u32,
    /// Then one each so many seconds.
    pub every_seconds: u32,
}

/// Buckets that all fill at one rate. Each is one number: when it would be full again.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    rate: SlowRate,
    due: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq + Copy> Buckets<K> {
    pub(crate) fn new(rate: SlowRate) -> Self {
        Self { rate, due: Mutex::default() }
    }

    /// Takes one, or says after how many seconds there is one again.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            forget_fullest(&mut buckets, now);
        }
        let due = buckets.entry(key).or_default();
        match rate::take_one_slowly(*due, self.rate.every_seconds, self.rate.burst_max, now) {
            Ok(next) => {
                *due = next;
                Ok(())
            }
            Err(wait_micros) => Err(wait_micros.unsigned_abs().div_ceil(1_000_000).max(1)),
        }
    }

    /// Fills a bucket: whoever it is about has shown who they are.
    pub(crate) fn refill(&self, key: K) {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// Forgets full buckets; where there are none, the half that is fullest. Whoever is being guessed at stays remembered.
fn forget_fullest<K: Hash + Eq + Copy>(buckets: &mut HashMap<K, i64>, now: Timestamp) {
    let now = now.as_micros();
    buckets.retain(|_, due| *due > now);
    if buckets.len() < BUCKETS_MAX {
        return;
    }
    let mut moments: Vec<i64> = buckets.values().copied().collect();
    let middle = moments.len() / 2;
    let (_, median, _) = moments.select_nth_unstable(middle);
    let median = *median;
    buckets.retain(|_, due| *due > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A bucket gives its burst, then one each interval; buckets are apart; a refilled one is as new.
    #[test]
    fn buckets_are_apart_and_refill() {
        let buckets = Buckets::new(SlowRate { burst_max: 3, every_seconds: 60 });
        let taken = |key: u8, now| (0..10).filter(|_| buckets.take(key, now).is_ok()).count();
        assert_eq!((taken(1, NOW), taken(2, NOW)), (3, 3));
        assert_eq!(buckets.take(1, NOW), Err(60));
        assert_eq!(taken(1, NOW.plus_seconds(60)), 1);
        buckets.refill(2);
        assert_eq!(taken(2, NOW), 3);
    }

    /// Memory has a bound, and whoever tries with ever new names doesn't make it forget the one that is used up.
    #[test]
    fn the_used_up_one_is_remembered() {
        let buckets = Buckets::new(SlowRate { burst_max: 5, every_seconds: 600 });
        while buckets.take(0, NOW).is_ok() {}
        for key in 1..=(2 * BUCKETS_MAX as u32) {
            assert!(buckets.take(key, NOW).is_ok());
        }
        assert!(buckets.due.lock().unwrap().len() <= BUCKETS_MAX);
        assert!(buckets.take(0, NOW).is_err());
    }
}
