//! What operators count: requests, refusals, times, bytes, sessions.
//!
//! Each worker counts on numbers of its own, so that counting a request costs a few uncontended additions and no lock; whoever
//! reads adds them up. Whatever a number is told apart by is one of a few known names, never anything that a client chose.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Product, Reason, Region, named_enum};

use crate::outcome::{Outcome, RouteClass};
use crate::workers;

named_enum! {
    /// How an engine failed.
    EngineFault {
        /// No connection could be made.
        Connect = "connect",
        /// It took too long.
        Timeout = "timeout",
        /// The connection ended before its answer, or in the middle of it.
        Interrupted = "interrupted",
        /// It answered, but not as an engine does.
        Invalid = "invalid",
    }
}

/// Upper bounds of the classes of request times, in microseconds.
pub const REQUEST_MICROS: [u64; 14] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
];
/// Upper bounds of the classes of session lengths, in microseconds.
pub const SESSION_MICROS: [u64; 8] = [
    1_000_000,
    10_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
    14_400_000_000,
    86_400_000_000,
];

const REGIONS: usize = Region::ALL.len();
/// The regions, and what belongs to none.
const PLACES: usize = REGIONS + 1;
/// 1xx to 5xx.
const STATUS_CLASSES: usize = 5;

/// All numbers of a gateway.
#[derive(Debug)]
pub struct Metrics {
    /// One per worker, and one for all other threads.
    shards: Box<[Box<Shard>]>,
}

#[derive(Debug, Default)]
struct Shard {
    requests: [[[AtomicU64; STATUS_CLASSES]; RouteClass::ALL.len()]; PLACES],
    refusals: Grid<{ Reason::ALL.len() }>,
    request_times: [Times<{ REQUEST_MICROS.len() }>; RouteClass::ALL.len()],
    engine_faults: Grid<{ EngineFault::ALL.len() }>,
    sessions_opened: Grid<{ Product::ALL.len() }>,
    session_times: Times<{ SESSION_MICROS.len() }>,
    connections_opened: AtomicU64,
    connections_closed: AtomicU64,
    received_bytes: AtomicU64,
    sent_bytes: AtomicU64,
}

/// Numbers by place and something else.
#[derive(Debug)]
struct Grid<const N: usize>([[AtomicU64; N]; PLACES]);

impl<const N: usize> Default for Grid<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl<const N: usize> Grid<N> {
    fn add(&self, region: Option<Region>, column: usize) {
        self.0[place(region)][column].fetch_add(1, Ordering::Relaxed);
    }
}

/// A histogram: how many fell into each class, beyond all of them, and their sum.
#[derive(Debug)]
struct Times<const N: usize> {
    classes: [AtomicU64; N],
    beyond: AtomicU64,
    sum_micros: AtomicU64,
}

impl<const N: usize> Default for Times<N> {
    fn default() -> Self {
        Self {
            classes: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum_micros: AtomicU64::new(0),
        }
    }
}

impl<const N: usize> Times<N> {
    fn add(&self, bounds_micros: &[u64; N], micros: u64) {
        let class = bounds_micros.iter().position(|bound| micros <= *bound);
        let counter = class.map_or(&self.beyond, |class| &self.classes[class]);
        counter.fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// A histogram as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// The upper bound of each class in microseconds, and how many fell into it or one below.
    pub up_to: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_micros: u64,
}

/// A number of requests, and what they have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestCount {
    /// Where they arrived, if at a region.
    pub region: Option<Region>,
    /// What they asked for.
    pub route: RouteClass,
    /// The first digit of their status.
    pub status_class: u16,
    /// How many.
    pub count: u64,
}

fn place(region: Option<Region>) -> usize {
    region.map_or(REGIONS, |region| region as usize)
}

fn region_at(place: usize) -> Option<Region> {
    Region::ALL.get(place).copied()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Metrics {
    /// Nothing counted yet, for so many workers.
    pub fn new(workers: usize) -> Self {
        Self { shards: (0..=workers.max(1)).map(|_| Box::default()).collect() }
    }

    /// The numbers of the thread that asks.
    fn shard(&self) -> &Shard {
        let others = self.shards.len() - 1;
        &self.shards[workers::here().map_or(others, |number| number.min(others))]
    }

    /// Counts a request that was answered with this status.
    pub(crate) fn request(&self, outcome: &Outcome, status: u16, took: Duration) {
        let shard = self.shard();
        let class = usize::from(status / 100).clamp(1, STATUS_CLASSES) - 1;
        let route = outcome.route as usize;
        shard.requests[place(outcome.region)][route][class].fetch_add(1, Ordering::Relaxed);
        shard.request_times[route].add(&REQUEST_MICROS, micros(took));
        if let Some(reason) = outcome.reason {
            shard.refusals.add(outcome.region, reason as usize);
        }
    }

    /// Counts an engine's failure.
    pub(crate) fn engine_fault(&self, region: Region, fault: EngineFault) {
        self.shard().engine_faults.add(Some(region), fault as usize);
    }

    /// Counts a session that was opened.
    pub(crate) fn session_opened(&self, region: Region, product: Product) {
        self.shard().sessions_opened.add(Some(region), product as usize);
    }

    /// Counts a session that is over.
    pub(crate) fn session_over(&self, lasted: Duration) {
        self.shard().session_times.add(&SESSION_MICROS, micros(lasted));
    }

    /// Counts a client's connection, until the guard is dropped.
    pub(crate) fn connection_opened(&self) {
        self.shard().connections_opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connection_closed(&self) {
        self.shard().connections_closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes from clients.
    pub(crate) fn received(&self, bytes: u64) {
        self.shard().received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes to clients.
    pub(crate) fn sent(&self, bytes: u64) {
        self.shard().sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sum(&self, number: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| number(shard).load(Ordering::Relaxed)).sum()
    }

    /// The requests so far, where there were any.
    pub fn requests(&self) -> Vec<RequestCount> {
        let mut counts = Vec::new();
        for place in 0..PLACES {
            for route in RouteClass::ALL.iter().copied() {
                for class in 0..STATUS_CLASSES {
                    let count = self.sum(|shard| &shard.requests[place][route as usize][class]);
                    let status_class = u16::try_from(class + 1).unwrap_or(0);
                    counts.push(RequestCount { region: region_at(place), route, status_class, count });
                }
            }
        }
        counts.retain(|counted| counted.count > 0);
        counts
    }

    fn grid<T: Copy, const N: usize>(
        &self,
        columns: &[T],
        grid: impl Fn(&Shard) -> &Grid<N>,
    ) -> Vec<(Option<Region>, T, u64)> {
        let mut counts = Vec::new();
        for place in 0..PLACES {
            for (index, column) in columns.iter().enumerate() {
                let count = self.sum(|shard| &grid(shard).0[place][index]);
                counts.push((region_at(place), *column, count));
            }
        }
        counts.retain(|(_, _, count)| *count > 0);
        counts
    }

    fn times<const N: usize>(&self, bounds: &[u64; N], times: impl Fn(&Shard) -> &Times<N>) -> Histogram {
        let mut count = 0;
        let up_to = bounds.iter().enumerate().map(|(class, bound)| {
            count += self.sum(|shard| &times(shard).classes[class]);
            (*bound, count)
        });
        let up_to = up_to.collect();
        let beyond = self.sum(|shard| &times(shard).beyond);
        Histogram { up_to, count: count + beyond, sum_micros: self.sum(|shard| &times(shard).sum_micros) }
    }

    /// The refusals so far, by region and reason.
    pub fn refusals(&self) -> Vec<(Option<Region>, Reason, u64)> {
        self.grid(Reason::ALL, |shard| &shard.refusals)
    }

    /// The failures of engines so far, by region and kind.
    pub fn engine_faults(&self) -> Vec<(Option<Region>, EngineFault, u64)> {
        self.grid(EngineFault::ALL, |shard| &shard.engine_faults)
    }

    /// The sessions opened so far, by region and product.
    pub fn sessions_opened(&self) -> Vec<(Option<Region>, Product, u64)> {
        self.grid(Product::ALL, |shard| &shard.sessions_opened)
    }

    /// How long it took until answers began, for each kind of route that was asked for.
    pub fn request_times(&self) -> Vec<(RouteClass, Histogram)> {
        let times = RouteClass::ALL.iter().copied();
        times
            .map(|route| (route, self.times(&REQUEST_MICROS, |shard| &shard.request_times[route as usize])))
            .filter(|(_, histogram)| histogram.count > 0)
            .collect()
    }

    /// How long sessions lasted.
    pub fn session_times(&self) -> Histogram {
        self.times(&SESSION_MICROS, |shard| &shard.session_times)
    }

    /// Clients' connections opened so far, and those that are open.
    pub fn connections(&self) -> (u64, u64) {
        let closed = self.sum(|shard| &shard.connections_closed);
        let opened = self.sum(|shard| &shard.connections_opened);
        (opened, opened.saturating_sub(closed))
    }

    /// Bytes from clients, and bytes to them.
    pub fn bytes(&self) -> (u64, u64) {
        (self.sum(|shard| &shard.received_bytes), self.sum(|shard| &shard.sent_bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What several threads count at once adds up, in its class and nowhere else.
    #[test]
    fn counts_add_up() {
        let metrics = Arc::new(Metrics::new(2));
        let outcome = || Outcome {
            region: Some(Region::Us1),
            route: RouteClass::JobList,
            reason: Some(Reason::RateLimited),
            ..Outcome::default()
        };
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (metrics, outcome) = (metrics.clone(), outcome());
                std::thread::spawn(move || {
                    for _ in 0..1000 {
                        metrics.request(&outcome, 429, Duration::from_micros(700));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        metrics.request(&Outcome::default(), 200, Duration::from_secs(1000));
        let requests = metrics.requests();
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert_eq!(
            (requests[0].region, requests[0].status_class, requests[0].count),
            (Some(Region::Us1), 4, 4000)
        );
        assert_eq!(
            (requests[1].region, requests[1].route, requests[1].count),
            (None, RouteClass::Unknown, 1)
        );
        assert_eq!(metrics.refusals(), [(Some(Region::Us1), Reason::RateLimited, 4000)]);
        let times = metrics.request_times();
        assert_eq!(times[0].1.up_to[..3], [(500, 0), (1_000, 4000), (2_500, 4000)]);
        assert_eq!((times[0].1.count, times[0].1.sum_micros), (4000, 2_800_000));
        assert_eq!((times[1].1.up_to[13].1, times[1].1.count), (0, 1), "beyond the last bound");
    }

    /// A status that no status may be is counted in the nearest class, and breaks nothing.
    #[test]
    fn odd_statuses_are_counted() {
        let metrics = Metrics::new(1);
        for status in [0, 99, 600, 999] {
            metrics.request(&Outcome::default(), status, Duration::ZERO);
        }
        let classes: Vec<_> = metrics.requests().iter().map(|one| (one.status_class, one.count)).collect();
        assert_eq!(classes, [(1, 2), (5, 2)]);
    }
}
