//! Counts what the gateway accepted and refused, per principal and region, without a lock on the way of a request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::link::{SessionEvent, UsageRecord};
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Reason, Region, Timestamp};
use verify::Principal;

/// Whose usage a tally counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TallyKey {
    /// The project.
    pub project_id: ProjectId,
    /// The API key, or the parent.
    pub api_key_id: ApiKeyId,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// The region.
    pub region: Region,
    /// The product.
    pub product: Product,
    /// Whether temporary keys of the API key are counted, and not itself.
    pub is_temporary: bool,
}

/// What happened under one principal in one region since the last batch.
#[derive(Debug)]
pub struct Tally {
    key: TallyKey,
    dirty: AtomicBool,
    requests: AtomicU64,
    /// Rare enough for a lock.
    refused: Mutex<BTreeMap<Reason, u64>>,
    sessions: AtomicU64,
    audio_millis: AtomicU64,
    received_bytes: AtomicU64,
    last_used_micros: AtomicI64,
}

/// All tallies.
#[derive(Debug, Default)]
pub struct Meter {
    tallies: papaya::HashMap<TallyKey, Arc<Tally>>,
    dirty: Mutex<Vec<Arc<Tally>>>,
    /// Sessions that began or ended since they were last taken.
    sessions: Mutex<Vec<SessionEvent>>,
}

/// Something to count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// A refusal.
    pub refused: Option<Reason>,
    /// Sessions begun.
    pub sessions: u64,
    /// Audio, in milliseconds.
    pub audio_millis: u64,
    /// Bytes from the client.
    pub received_bytes: u64,
}

/// What was counted since the last time.
#[derive(Debug, Default, PartialEq)]
pub struct Drained {
    /// Usage, one line per tally that moved.
    pub records: Vec<UsageRecord>,
    /// When API keys were last used.
    pub last_used: Vec<(ApiKeyId, Timestamp)>,
    /// When temporary keys were last used, by their parents.
    pub temporary_last_used: Vec<(ApiKeyId, Timestamp)>,
}

impl Meter {
    /// The tally of a principal; hold on to it, counting on it costs next to nothing.
    pub fn tally(&self, principal: &Principal, region: Region, product: Product) -> Arc<Tally> {
        let key = TallyKey {
            project_id: principal.project_id(),
            api_key_id: principal.api_key_id(),
            client_ref: principal.client_ref().cloned(),
            region,
            product,
            is_temporary: principal.temporary_key_id().is_some(),
        };
        self.tally_of(key)
    }

    /// The tally of a key.
    pub fn tally_of(&self, key: TallyKey) -> Arc<Tally> {
        let tallies = self.tallies.pin();
        tallies.get_or_insert_with(key.clone(), || Arc::new(Tally::new(key))).clone()
    }

    /// Counts on a tally.
    pub fn count(&self, tally: &Arc<Tally>, count: Count, now: Timestamp) {
        tally.add(count);
        tally.last_used_micros.fetch_max(now.as_micros(), Ordering::Relaxed);
        if !tally.dirty.swap(true, Ordering::AcqRel) {
            self.dirty.lock().unwrap_or_else(PoisonError::into_inner).push(tally.clone());
        }
    }

    /// Notes that a session has begun or ended.
    pub fn note_session(&self, event: SessionEvent) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// Takes the sessions that began or ended since the last time.
    pub fn take_sessions(&self) -> Vec<SessionEvent> {
        std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what was counted since the last time.
    pub fn drain(&self, now: Timestamp) -> Drained {
        let dirty = std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner));
        let mut drained = Drained::default();
        for tally in &dirty {
            // Cleared first: what is counted from here on marks the tally again. A swap, so that what was counted by
            // those who found it marked is seen here.
            tally.dirty.swap(false, Ordering::AcqRel);
            let record = tally.take(day_of(now));
            let used = Timestamp::from_micros(tally.last_used_micros.load(Ordering::Relaxed));
            drained.last_used.push((tally.key.api_key_id, used));
            if tally.key.is_temporary {
                drained.temporary_last_used.push((tally.key.api_key_id, used));
            }
            drained.records.extend(record);
        }
        drop(dirty);
        self.forget_idle();
        drained
    }

    /// Drops the tallies that nobody holds and nobody counted on, so that the map stays as large as the traffic.
    fn forget_idle(&self) {
        const TALLIES_KEPT_MAX: usize = 10_000;
        if self.tallies.len() <= TALLIES_KEPT_MAX {
            return;
        }
        // A holder besides the map still counts; a dirty one has not been drained. A tally that someone fetches just
        // now is dropped from the map at worst: it stays alive in its holder's hands and is drained through `dirty`.
        self.tallies
            .pin()
            .retain(|_, tally| Arc::strong_count(tally) > 1 || tally.dirty.load(Ordering::Acquire));
    }
}

impl Tally {
    fn new(key: TallyKey) -> Self {
        Self {
            key,
            dirty: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            refused: Mutex::default(),
            sessions: AtomicU64::new(0),
            audio_millis: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            last_used_micros: AtomicI64::new(i64::MIN),
        }
    }

    fn add(&self, count: Count) {
        let add = |counter: &AtomicU64, amount: u64| {
            if amount != 0 {
                counter.fetch_add(amount, Ordering::AcqRel);
            }
        };
        add(&self.requests, count.requests);
        if let Some(reason) = count.refused {
            *self.refused().entry(reason).or_default() += 1;
        }
        add(&self.sessions, count.sessions);
        add(&self.audio_millis, count.audio_millis);
        add(&self.received_bytes, count.received_bytes);
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Reason, u64>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, day: Timestamp) -> Option<UsageRecord> {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::AcqRel);
        let refused = std::mem::take(&mut *self.refused());
        let record = UsageRecord {
            project_id: self.key.project_id,
            api_key_id: self.key.api_key_id,
            client_ref: self.key.client_ref.clone(),
            region: self.key.region,
            product: self.key.product,
            day,
            requests: take(&self.requests),
            sessions: take(&self.sessions),
            audio_millis: take(&self.audio_millis),
            received_bytes: take(&self.received_bytes),
            refusals: refused.values().sum(),
            refused,
        };
        let nothing = record.requests == 0
            && record.sessions == 0
            && record.audio_millis == 0
            && record.received_bytes == 0
            && record.refusals == 0;
        (!nothing).then_some(record)
    }
}

/// Adds records to others, those of the same principal, region, product and day to each other.
pub(crate) fn merge(held: &mut Vec<UsageRecord>, new: Vec<UsageRecord>) {
    if held.is_empty() {
        *held = new;
        return;
    }
    for record in new {
        let is_same = |other: &&mut UsageRecord| {
            (other.project_id, other.api_key_id, other.region, other.product, other.day)
                == (record.project_id, record.api_key_id, record.region, record.product, record.day)
                && other.client_ref == record.client_ref
        };
        let Some(same) = held.iter_mut().find(is_same) else {
            held.push(record);
            continue;
        };
        same.requests += record.requests;
        same.sessions += record.sessions;
        same.audio_millis += record.audio_millis;
        same.received_bytes += record.received_bytes;
        same.refusals += record.refusals;
        for (reason, count) in record.refused {
            *same.refused.entry(reason).or_default() += count;
        }
    }
}

/// The start of the UTC day.
pub fn day_of(now: Timestamp) -> Timestamp {
    const DAY_SECONDS: i64 = 86_400;
    Timestamp::from_seconds(now.as_seconds().div_euclid(DAY_SECONDS) * DAY_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(project: i64) -> TallyKey {
        TallyKey {
            project_id: ProjectId::new(project),
            api_key_id: ApiKeyId::from_u128(project as u128),
            client_ref: None,
            region: Region::Eu1,
            product: Product::Batch,
            is_temporary: false,
        }
    }

    /// What a temporary key does counts as a use of its parent, and is told apart.
    #[test]
    fn uses_of_temporary_keys_are_told_apart() {
        let meter = Meter::default();
        let now = Timestamp::from_seconds(86_400);
        let count = Count { requests: 1, ..Count::default() };
        meter.count(&meter.tally_of(key(1)), count, now);
        meter.count(&meter.tally_of(TallyKey { is_temporary: true, ..key(2) }), count, now.plus_seconds(1));
        let drained = meter.drain(now);
        let (by_key, by_temporary) = ((key(1).api_key_id, now), (key(2).api_key_id, now.plus_seconds(1)));
        assert_eq!(drained.last_used, [by_key, by_temporary]);
        assert_eq!(drained.temporary_last_used, [by_temporary]);
    }

    /// What is counted is drained once, on the day of the drain, and per principal.
    #[test]
    fn every_count_is_drained_once() {
        let meter = Meter::default();
        let now = Timestamp::from_seconds(86_400 * 3 + 5);
        let one = meter.tally_of(key(1));
        assert!(Arc::ptr_eq(&one, &meter.tally_of(key(1))));
        meter.count(&one, Count { requests: 2, ..Count::default() }, now);
        meter.count(&one, Count { received_bytes: 10, ..Count::default() }, now);
        meter.count(
            &meter.tally_of(key(2)),
            Count { refused: Some(Reason::SessionsFull), ..Count::default() },
            now,
        );
        let drained = meter.drain(now);
        assert_eq!(drained.records.len(), 2);
        assert_eq!((drained.records[0].requests, drained.records[0].received_bytes), (2, 10));
        assert_eq!(drained.records[0].day, Timestamp::from_seconds(86_400 * 3));
        assert_eq!(drained.last_used[1], (ApiKeyId::from_u128(2), now));
        assert_eq!(meter.drain(now), Drained::default());
        meter.count(&one, Count { requests: 1, ..Count::default() }, now);
        assert_eq!(meter.drain(now).records[0].requests, 1);
    }

    /// Counting while draining loses nothing.
    #[test]
    fn counting_and_draining_at_once() {
        let meter = Arc::new(Meter::default());
        let now = Timestamp::from_seconds(1);
        let counters: Vec<_> = (0..4)
            .map(|_| {
                let meter = meter.clone();
                std::thread::spawn(move || {
                    let tally = meter.tally_of(key(1));
                    for _ in 0..10_000 {
                        meter.count(&tally, Count { requests: 1, ..Count::default() }, now);
                    }
                })
            })
            .collect();
        let mut total = 0;
        while counters.iter().any(|counter| !counter.is_finished()) {
            total += meter.drain(now).records.iter().map(|record| record.requests).sum::<u64>();
        }
        counters.into_iter().for_each(|counter| counter.join().unwrap());
        total += meter.drain(now).records.iter().map(|record| record.requests).sum::<u64>();
        assert_eq!(total, 40_000);
    }
}
