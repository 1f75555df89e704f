//! The sandbox itself: opened on a folder, served on listeners.

use crate::config::{SandboxConfig, SandboxError};
use crate::http::connection;
use crate::jobs::fetch::Fetcher;
use crate::jobs::job::JobId;
use crate::jobs::queue::Queue;
use crate::jobs::store::Store;
use crate::jobs::work::work;
use crate::limits::{CONNECTIONS_MAX, SHUTDOWN_SECONDS_MAX, WORKERS_MAX};
use crate::speech::recognizer::Recognizer;
use domain::{Clock, Rng, SystemClock, SystemRng};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long accepting pauses after an error, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A sandbox engine. Made by [`Sandbox::open`], served by [`Sandbox::serve`].
#[derive(Debug)]
pub struct Sandbox {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Queue,
    pub(crate) recognizer: Option<Recognizer>,
    pub(crate) fetcher: Fetcher,
    pub(crate) engine_name: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) workers: Semaphore,
    connections: Arc<Semaphore>,
}

impl Sandbox {
    /// Opens the folder, and lines up the jobs that an earlier process didn't finish.
    pub async fn open(config: SandboxConfig) -> Result<Arc<Sandbox>, SandboxError> {
        Sandbox::open_with(config, Arc::new(SystemClock), Arc::new(SystemRng)).await
    }

    /// As [`Sandbox::open`], with a clock and a source of randomness of one's own.
    pub async fn open_with(
        config: SandboxConfig,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Result<Arc<Sandbox>, SandboxError> {
        let recognizer = config.recognizer.as_deref().map(Recognizer::parse).transpose()?;
        let root = config.data_dir.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&root)).await;
        let (store, unfinished) = opened.map_err(|error| SandboxError::Folder {
            path: config.data_dir.clone(),
            source: io::Error::other(error),
        })??;
        let sandbox = Sandbox {
            store: Arc::new(store),
            queue: Queue::default(),
            recognizer,
            fetcher: Fetcher::new()?,
            engine_name: config.engine_name,
            clock,
            rng,
            workers: Semaphore::new(WORKERS_MAX),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        };
        for id in unfinished {
            sandbox.store.log(&id, sandbox.clock.now(), "taken up again after a restart");
            sandbox.queue.push(id);
        }
        Ok(Arc::new(sandbox))
    }

    /// Serves the Jobs API and the realtime protocol on a listener until `shutdown`; then ends what is open, within seconds.
    /// Several listeners may be served at once; they share the jobs and the workers.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS_MAX {
            workers.spawn(work(Arc::clone(&self)));
        }
        let mut connections = JoinSet::new();
        self.accept(&listener, &shutdown, &mut connections).await;
        drop(listener);
        let finished = async { while connections.join_next().await.is_some() {} };
        // Whatever is still open then is cut off below.
        let _ = tokio::time::timeout(Duration::from_secs(SHUTDOWN_SECONDS_MAX), finished).await;
        connections.shutdown().await;
        workers.shutdown().await;
        Ok(())
    }

    async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        shutdown: &CancellationToken,
        connections: &mut JoinSet<()>,
    ) {
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = shutdown.cancelled() => return,
                accepted = self.accept_one(listener) => accepted,
            };
            match accepted {
                Ok((stream, permit)) => {
                    let (sandbox, shutdown) = (Arc::clone(self), shutdown.clone());
                    connections.spawn(async move {
                        connection::serve(sandbox, stream, shutdown).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept_one(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.connections).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, permit))
    }

    /// Runs what blocks (files, synced to disk) where it holds up nobody.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }

    /// Adds a line to a job's log.
    pub(crate) async fn log_job(&self, id: &JobId, line: &str) {
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let (id, line) = (id.clone(), line.to_owned());
        // The only error is a shutdown of the runtime.
        let _ = self
            .blocking(move || {
                store.log(&id, now, &line);
                Ok(())
            })
            .await;
    }
}
