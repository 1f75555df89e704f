//! A clock that runs, and jumps when it is told to.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Clock, SystemClock, Timestamp};

/// The machine's clock, moved by as many seconds as a test wants.
#[derive(Debug, Default)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// Moves the clock, back if the number is negative.
    pub fn jump_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0.load(Ordering::SeqCst))
    }
}
