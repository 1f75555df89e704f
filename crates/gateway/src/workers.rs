//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on the thread that it was given to, and so does all that belongs to it: its tasks and timers, the connections
//! to engines that carry its requests (`upstream::Pool` keeps them per thread), the realtime session that it may become. So a
//! request never wakes another thread, which on a shared runtime costs as much as authenticating it. What belongs to no connection
//! (accepting, the link, upkeep, management and portal) stays on the runtime that [`Gateway::start`](crate::Gateway::start)
//! was called on.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

thread_local! {
    static HERE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The number of the worker that the caller runs on, from 0; none for all other threads.
pub(crate) fn here() -> Option<usize> {
    HERE.get()
}

/// The workers. They end when this is dropped, so whoever wants connections to end well waits for those first.
#[derive(Debug)]
pub(crate) struct Workers {
    workers: Vec<Worker>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// How many connections it has. Each holds a reference.
    connections: Arc<AtomicUsize>,
}

/// One connection's place at a worker, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Workers {
    /// Starts so many workers, at least one.
    ///
    /// # Errors
    /// When the system gives no threads or no means to wait for sockets.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let mut started = Self { workers: Vec::new(), stop: CancellationToken::new() };
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let handle = runtime.handle().clone();
            let stop = started.stop.clone();
            std::thread::Builder::new()
                .name(format!("gateway-{number}"))
                .spawn(move || work(number, runtime, &stop))?;
            started.workers.push(Worker { runtime: handle, connections: Arc::default() });
        }
        Ok(started)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.workers.len()
    }

    /// Returns once every worker has taken up something new.
    pub(crate) async fn respond(&self) {
        for worker in &self.workers {
            // A worker that ends has no more to do.
            drop(worker.runtime.spawn(async {}).await);
        }
    }

    /// Gives a connection to the worker that has the fewest.
    pub(crate) fn serve(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let count = |worker: &&Worker| worker.connections.load(Ordering::Relaxed);
        let Some(worker) = self.workers.iter().min_by_key(count) else { return };
        worker.connections.fetch_add(1, Ordering::Relaxed);
        let place = Place(worker.connections.clone());
        worker.runtime.spawn(async move {
            connection.await;
            drop(place);
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Not waited for: this may be dropped on one of those threads.
        self.stop.cancel();
    }
}

fn work(number: usize, runtime: Runtime, stop: &CancellationToken) {
    HERE.set(Some(number));
    runtime.block_on(stop.cancelled());
    // Look-ups of host names may still be going on; nobody waits for them.
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// Connections spread over all workers, what a connection spawns stays with it, and a place that becomes free is taken next.
    #[tokio::test]
    async fn connections_stay_where_they_were_given() {
        const WORKERS: usize = 3;
        let workers = Workers::start(WORKERS).unwrap();
        let (tell, mut told) = mpsc::unbounded_channel();
        let hold = CancellationToken::new();
        let only = CancellationToken::new();
        for number in 0..WORKERS * 2 {
            let (tell, end) = (tell.clone(), if number == 1 { only.clone() } else { hold.clone() });
            workers.serve(async move {
                let child = tokio::spawn(async { here() }).await.unwrap();
                tell.send((here(), child)).unwrap();
                end.cancelled().await;
                tell.send((None, None)).unwrap();
            });
        }
        let mut places = Vec::new();
        for _ in 0..WORKERS * 2 {
            let (place, child) = told.recv().await.unwrap();
            assert_eq!(place, child);
            places.push(place.unwrap());
        }
        places.sort_unstable();
        assert_eq!(places, [0, 0, 1, 1, 2, 2]);
        assert_eq!(here(), None);

        only.cancel();
        assert_eq!(told.recv().await, Some((None, None)));
        while workers.workers[1].connections.load(Ordering::Relaxed) > 1 {
            tokio::task::yield_now().await;
        }
        workers.serve(async move { tell.send((here(), None)).unwrap() });
        assert_eq!(told.recv().await, Some((Some(1), None)));
    }

    /// When the workers end, so does what they serve.
    #[tokio::test]
    async fn the_end_of_the_workers_ends_connections() {
        let workers = Workers::start(1).unwrap();
        let (held, mut dropped) = mpsc::channel::<()>(1);
        workers.serve(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(workers);
        assert_eq!(dropped.recv().await, None);
    }

    /// A worker outlives a connection that panics.
    #[tokio::test]
    async fn a_panic_ends_one_connection() {
        let workers = Workers::start(1).unwrap();
        workers.serve(async { panic!("a bug") });
        let (tell, told) = tokio::sync::oneshot::channel();
        workers.serve(async move { tell.send(here()).unwrap() });
        assert_eq!(told.await, Ok(Some(0)));
        while workers.workers[0].connections.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    }
}
