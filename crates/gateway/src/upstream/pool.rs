//! A pool of connections to one engine.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep};

use super::body::{EngineBody, Progress, UploadBody};
use super::dial;
use crate::metrics::EngineFault;
use crate::timer::poll_timer;
use crate::{GatewayLimits, Upstream, workers};

/// Why an engine gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No connection could be made: nothing was sent.
    #[error("no connection to the engine could be made")]
    Connect(#[source] std::io::Error),
    /// Answering took too long. The engine may or may not have taken in the request.
    #[error("the engine took too long")]
    Timeout,
    /// The connection ended before an answer. It may or may not have taken in the request.
    #[error("the engine's connection ended before its answer")]
    Interrupted {
        /// Whether the connection had served another request before, and may have been closing already.
        reused: bool,
        /// What happened.
        #[source]
        source: hyper::Error,
    },
}

impl EngineError {
    /// What kind of failure it counts as.
    pub(crate) const fn fault(&self) -> EngineFault {
        match self {
            Self::Connect(_) => EngineFault::Connect,
            Self::Timeout => EngineFault::Timeout,
            Self::Interrupted { .. } => EngineFault::Interrupted,
        }
    }
}

/// Connections to one engine.
#[derive(Debug)]
pub struct Pool {
    upstream: Upstream,
    host: HeaderValue,
    /// Idle connections per worker, and of all other threads: a connection's task runs on the thread that made it.
    idle: Box<[Mutex<Vec<Idle>>]>,
    limits: GatewayLimits,
    answers: AtomicBool,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<UploadBody>,
    /// For the wait for an answer.
    timer: Option<Pin<Box<Sleep>>>,
}

/// A connection that is in use for one request.
#[derive(Debug)]
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Connection,
    upload: Option<Arc<Progress>>,
}

impl Lease {
    /// Takes the connection back, unless it is still sending.
    pub(super) fn give_back(self) {
        if self.upload.as_ref().is_none_or(|upload| upload.is_complete()) {
            self.pool.put(self.connection);
        }
    }
}

impl Pool {
    /// A pool without connections.
    pub fn new(upstream: Upstream, limits: GatewayLimits) -> Arc<Self> {
        let host = HeaderValue::try_from(upstream.authority())
            .unwrap_or_else(|_| HeaderValue::from_static("engine"));
        Arc::new(Self {
            upstream,
            host,
            idle: (0..=limits.worker_threads.max(1)).map(|_| Mutex::default()).collect(),
            limits,
            answers: AtomicBool::new(true),
        })
    }

    /// Where the engine is.
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The `Host` that the engine gets.
    pub fn host(&self) -> HeaderValue {
        self.host.clone()
    }

    /// Whether the engine answered when it was last asked.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Sends a request and waits for the head of its answer. Where a connection that was kept turns out to be closed before
    /// a byte of the request was sent, another is taken.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        self: &Arc<Self>,
        mut request: Request<UploadBody>,
    ) -> Result<Response<EngineBody>, EngineError> {
        let upload = match request.body() {
            UploadBody::Empty => None,
            UploadBody::Client { progress, .. } => Some(progress.clone()),
        };
        loop {
            let (mut connection, reused) = match self.take() {
                Some(connection) => (connection, true),
                None => (Box::pin(self.connect()).await.inspect_err(|_| self.set_answers(false))?, false),
            };
            if connection.sender.ready().await.is_err() {
                if reused {
                    continue;
                }
                self.set_answers(false);
                return Err(EngineError::Connect(std::io::ErrorKind::ConnectionReset.into()));
            }
            let Connection { sender, timer } = &mut connection;
            let sending = std::pin::pin!(sender.try_send_request(request));
            let wait = Duration::from_secs(self.limits.engine_answer_seconds_max);
            match with_patience(sending, timer, upload.as_deref(), wait).await {
                None => return Err(EngineError::Timeout),
                Some(Ok(response)) => {
                    self.set_answers(true);
                    let lease = Lease { pool: self.clone(), connection, upload };
                    return Ok(response.map(|incoming| EngineBody::new(incoming, lease)));
                }
                Some(Err(mut error)) => match error.take_message() {
                    Some(unsent) if reused => request = unsent,
                    _ => {
                        return Err(EngineError::Interrupted { reused, source: error.into_error() });
                    }
                },
            }
        }
    }

    fn set_answers(&self, answers: bool) {
        self.answers.store(answers, Ordering::Relaxed);
    }

    /// The idle connections of the thread that asks.
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        let others = self.idle.len() - 1;
        let place = workers::here().map_or(others, |number| number.min(others));
        self.idle[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        let oldest = Duration::from_secs(self.limits.engine_idle_seconds_max);
        while let Some(Idle { connection, since }) = idle.pop() {
            if since.elapsed() > oldest {
                // The rest waited longer still.
                idle.clear();
                return None;
            }
            if !connection.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() < self.limits.engine_idle_connections_max.div_ceil(self.limits.worker_threads.max(1)) {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    async fn connect(&self) -> Result<Connection, EngineError> {
        let wait = Duration::from_secs(self.limits.engine_connect_seconds_max);
        let stream = tokio::time::timeout(wait, dial(&self.upstream))
            .await
            .map_err(|_| EngineError::Connect(std::io::ErrorKind::TimedOut.into()))?
            .map_err(EngineError::Connect)?;
        let (sender, task) = Builder::new()
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| EngineError::Interrupted { reused: false, source })?;
        tokio::spawn(async move {
            // How it ends is told to whoever waits for an answer on it.
            let _ = task.await;
        });
        Ok(Connection { sender, timer: None })
    }
}

/// Waits for an answer. The time starts anew for as long as an upload moves: a gigabyte may take its time.
async fn with_patience<F: Future>(
    mut sending: Pin<&mut F>,
    timer: &mut Option<Pin<Box<Sleep>>>,
    upload: Option<&Progress>,
    wait: Duration,
) -> Option<F::Output> {
    let mut received = 0;
    loop {
        let deadline = Instant::now() + wait;
        let output = poll_fn(|cx| match sending.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => poll_timer(timer, deadline, cx).map(|()| None),
        });
        if let Some(output) = output.await {
            return Some(output);
        }
        let now_received = upload.map_or(0, Progress::received_bytes);
        if now_received == received {
            return None;
        }
        received = now_received;
    }
}
