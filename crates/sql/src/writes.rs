//! How long writing takes, for whoever watches a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Upper bounds of the classes of write times, in microseconds.
pub const WRITE_MICROS: [u64; 10] =
    [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// The writers of one database, counted. Clones are the same count.
#[derive(Debug, Clone, Default)]
pub struct Writes(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicU64,
    classes: [AtomicU64; WRITE_MICROS.len()],
    beyond: AtomicU64,
    sum_micros: AtomicU64,
}

/// How long committed writes took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTimes {
    /// The upper bound of each class in microseconds, and how many fell into it or one below.
    pub up_to: Vec<(u64, u64)>,
    /// How many there were.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_micros: u64,
}

/// A writer, from when it asks for its turn until this is dropped.
#[derive(Debug)]
pub(crate) struct Writing {
    writes: Writes,
    begun: Instant,
}

impl Writes {
    pub(crate) fn begin(&self) -> Writing {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Writing { writes: self.clone(), begun: Instant::now() }
    }

    /// Writers that wait for their turn or write right now.
    pub fn waiting(&self) -> u64 {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// How long committed writes took, from asking for the turn to the end of the commit.
    pub fn times(&self) -> WriteTimes {
        let mut count = 0;
        let classes = WRITE_MICROS.iter().zip(&self.0.classes);
        let up_to = classes.map(|(bound, class)| {
            count += class.load(Ordering::Relaxed);
            (*bound, count)
        });
        let up_to = up_to.collect();
        count += self.0.beyond.load(Ordering::Relaxed);
        WriteTimes { up_to, count, sum_micros: self.0.sum_micros.load(Ordering::Relaxed) }
    }
}

impl Writing {
    /// Counts a write that was committed.
    pub(crate) fn committed(&self) {
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let counts = &self.writes.0;
        let class = WRITE_MICROS.iter().position(|bound| micros <= *bound);
        class.map_or(&counts.beyond, |class| &counts.classes[class]).fetch_add(1, Ordering::Relaxed);
        counts.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.writes.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
