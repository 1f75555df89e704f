//! Idle connections, the one that was used last on top.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::pool::Connection;
use crate::{GatewayLimits, workers};

/// Idle connections of one kind.
#[derive(Debug)]
pub(super) struct Shelf<C> {
    /// Per worker, and of all other threads: a connection belongs to the runtime of the thread that made it.
    places: Box<[Mutex<Vec<Idle<C>>>]>,
    each_max: usize,
    oldest: Duration,
}

#[derive(Debug)]
struct Idle<C> {
    connection: Box<Connection<C>>,
    since: Instant,
}

impl<C> Shelf<C> {
    pub(super) fn new(limits: &GatewayLimits) -> Self {
        let workers = limits.worker_threads.max(1);
        Self {
            places: (0..=workers).map(|_| Mutex::new(Vec::new())).collect(),
            each_max: limits.engine_idle_connections_max.div_ceil(workers),
            oldest: Duration::from_secs(limits.engine_idle_seconds_max),
        }
    }

    /// The idle connections of the thread that asks.
    fn place(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        let others = self.places.len() - 1;
        let place = workers::here().map_or(others, |number| number.min(others));
        self.places[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last and still works.
    pub(super) fn take(&self, mut works: impl FnMut(&mut C) -> bool) -> Option<Box<Connection<C>>> {
        let mut place = self.place();
        while let Some(Idle { mut connection, since }) = place.pop() {
            if since.elapsed() > self.oldest {
                // The rest waited longer still.
                place.clear();
                return None;
            }
            if works(connection.inner()) {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection, if there is room.
    pub(super) fn put(&self, connection: Box<Connection<C>>) {
        let mut place = self.place();
        if place.len() < self.each_max {
            place.push(Idle { connection, since: Instant::now() });
        }
    }
}
