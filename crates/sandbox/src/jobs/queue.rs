//! Jobs that wait for a worker.

use super::job::JobId;
use crate::limits::QUEUE_JOBS_MAX;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// A bounded queue of job ids.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<JobId>>,
    arrived: Notify,
}

impl Queue {
    /// Whether one more would be too many.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().len() >= QUEUE_JOBS_MAX
    }

    /// Adds a job at the end. What was acknowledged is never dropped, so the bound is [`Queue::is_full`]'s to ask for before.
    pub(crate) fn push(&self, id: JobId) {
        self.lock().push_back(id);
        self.arrived.notify_one();
    }

    /// Waits for the next job.
    pub(crate) async fn next(&self) -> JobId {
        loop {
            let arrived = self.arrived.notified();
            if let Some(id) = self.lock().pop_front() {
                // Others may wait while more is there than wake-ups were stored.
                self.arrived.notify_one();
                return id;
            }
            arrived.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<JobId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs come out in the order in which they went in, and the bound is where it is said to be.
    #[tokio::test]
    async fn the_queue_keeps_order_and_has_a_bound() {
        let queue = Queue::default();
        let id = |number: usize| JobId::parse(&format!("job{number:09}")).unwrap();
        for number in 0..QUEUE_JOBS_MAX {
            assert!(!queue.is_full());
            queue.push(id(number));
        }
        assert!(queue.is_full());
        assert_eq!(queue.next().await, id(0));
        assert_eq!(queue.next().await, id(1));
        assert!(!queue.is_full());
    }
}
