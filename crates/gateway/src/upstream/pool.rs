//! A pool of connections to one engine.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::{Refusal, Region};
use http::{HeaderValue, Request, Response};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep};

use super::asking::{AskError, AskingConnection};
use super::body::{EngineBody, Progress, UploadBody};
use super::dial;
use super::head::{AnswerError, AnswerHead, RequestHead};
use super::shelf::Shelf;
use crate::metrics::EngineFault;
use crate::stream::Stream;
use crate::timer::poll_timer;
use crate::{GatewayLimits, Metrics, Upstream};

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
        source: std::io::Error,
    },
    /// What came can't be understood, or broke off.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The client lost the right to its upload before that was whole. The engine is not to blame.
    #[error("the upload was cut")]
    Cut(Refusal),
}

impl EngineError {
    /// What kind of failure it counts as.
    pub(crate) const fn fault(&self) -> EngineFault {
        match self {
            Self::Connect(_) => EngineFault::Connect,
            Self::Timeout => EngineFault::Timeout,
            Self::Interrupted { .. } | Self::Cut(_) => EngineFault::Interrupted,
            Self::Answer(error) => error.fault(),
        }
    }

    fn interrupted(reused: bool, source: hyper::Error) -> Self {
        Self::Interrupted { reused, source: std::io::Error::other(source) }
    }
}

impl AnswerError {
    /// What kind of failure it counts as.
    pub(super) const fn fault(&self) -> EngineFault {
        match self {
            Self::BrokenOff => EngineFault::Interrupted,
            Self::Stalled => EngineFault::Timeout,
            Self::Malformed(_) | Self::HeadTooLarge | Self::Framing | Self::Switched => EngineFault::Invalid,
        }
    }
}

/// Connections to one engine.
#[derive(Debug)]
pub struct Pool {
    upstream: Upstream,
    host: HeaderValue,
    asking: Shelf<AskingConnection>,
    uploading: Shelf<SendRequest<UploadBody>>,
    limits: GatewayLimits,
    answers: AtomicBool,
    region: Region,
    /// Where answers that break off are counted.
    metrics: Arc<Metrics>,
}

/// A connection and the timer for the wait for its answers.
#[derive(Debug)]
pub(super) struct Connection<C> {
    inner: C,
    timer: Option<Pin<Box<Sleep>>>,
    /// How long an answer that has begun may stop.
    stall_max: Duration,
    stop: Option<Stop>,
}

/// An answer has stopped, and somebody waits for the rest.
#[derive(Debug, Clone, Copy)]
struct Stop {
    /// Until when it has to go on.
    deadline: Instant,
    /// How much the engine had of the upload that it answers.
    uploaded_bytes: u64,
}

impl<C> Connection<C> {
    /// Boxed: it is handed from place to place with every answer.
    fn new(inner: C, stall_max: Duration) -> Box<Self> {
        Box::new(Self { inner, timer: None, stall_max, stop: None })
    }

    /// The answer goes on, or has come to its end.
    pub(super) const fn goes_on(&mut self) {
        self.stop = None;
    }

    /// Ready when nothing came for too long since somebody waits for the answer to go on. The time starts anew for as long as the
    /// upload moves: the engine may wait for the rest of it. While nobody asks for more, no time passes.
    pub(super) fn poll_stalled(&mut self, uploaded_bytes: u64, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let begins = || Stop { deadline: Instant::now() + self.stall_max, uploaded_bytes };
            let stop = *self.stop.get_or_insert_with(begins);
            ready!(poll_timer(&mut self.timer, stop.deadline, cx));
            if stop.uploaded_bytes == uploaded_bytes {
                return Poll::Ready(());
            }
            self.stop = None;
        }
    }

    pub(super) const fn inner(&mut self) -> &mut C {
        &mut self.inner
    }
}

/// A connection for uploads that is in use for one request.
#[derive(Debug)]
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Box<Connection<SendRequest<UploadBody>>>,
    upload: Arc<Progress>,
    /// Whether the engine answered before it can have read the whole body.
    is_early: bool,
}

impl Lease {
    /// The answer goes on, or has come to its end.
    pub(super) const fn goes_on(&mut self) {
        self.connection.goes_on();
    }

    /// Ready when the engine has stopped in the middle of its answer for too long.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.connection.poll_stalled(self.upload.received_bytes(), cx)
    }

    /// Takes the connection back, unless it is still sending, or the engine may take the body that it didn't wait for as a
    /// request: what that is answered with would go to somebody else.
    pub(super) fn give_back(self) {
        let Self { pool, connection, upload, is_early } = self;
        if !is_early && upload.is_complete() && !connection.inner.is_closed() {
            pool.uploading.put(connection);
        }
    }

    /// Ends the connection, whose answer broke off. That is the engine's fault unless the upload failed first: then hyper ends
    /// both.
    pub(super) fn break_off(self, fault: EngineFault) {
        if !self.upload.has_failed() {
            self.pool.count(fault);
        }
    }
}

impl Pool {
    /// A pool without connections.
    pub fn new(
        upstream: Upstream,
        limits: GatewayLimits,
        region: Region,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let host = HeaderValue::try_from(upstream.authority())
            .unwrap_or_else(|_| HeaderValue::from_static("engine"));
        Arc::new(Self {
            upstream,
            host,
            asking: Shelf::new(&limits),
            uploading: Shelf::new(&limits),
            limits,
            answers: AtomicBool::new(true),
            region,
            metrics,
        })
    }

    /// Where the engine is.
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The `Host` that the engine gets.
    pub const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Whether the engine answered when it was last asked.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Sends a request without a body and waits for the head of its answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(self: &Arc<Self>, request: &RequestHead) -> Result<Response<EngineBody>, EngineError> {
        let asked = self.ask_once(request).await;
        self.note(&asked);
        asked
    }

    async fn ask_once(self: &Arc<Self>, request: &RequestHead) -> Result<Response<EngineBody>, EngineError> {
        let (mut connection, reused) = match self.asking.take(AskingConnection::is_fresh) {
            Some(connection) => (connection, true),
            None => (self.connection(AskingConnection::new(Box::pin(self.connect()).await?)), false),
        };
        let wait = Duration::from_secs(self.limits.engine_answer_seconds_max);
        let asked = {
            let Connection { inner, timer, .. } = &mut *connection;
            with_patience(std::pin::pin!(inner.ask(request)), timer, None, wait).await
        };
        let head = match asked {
            None => return Err(EngineError::Timeout),
            Some(Err(AskError::Unanswered(source))) => {
                return Err(EngineError::Interrupted { reused, source });
            }
            Some(Err(AskError::Answer(error))) => return Err(error.into()),
            Some(Ok(head)) => head,
        };
        let AnswerHead { status, headers, framing, keeps } = head;
        let mut response = Response::new(EngineBody::asked(connection, framing, self.clone(), keeps));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Counts a failure of the engine in the middle of an answer.
    pub(super) fn count(&self, fault: EngineFault) {
        self.metrics.engine_fault(self.region, fault);
    }

    /// Keeps a connection for the next who asks.
    pub(super) fn keep(&self, mut connection: Box<Connection<AskingConnection>>) {
        if connection.inner.is_fresh() {
            self.asking.put(connection);
        }
    }

    /// Sends a request with a body and waits for the head of its answer. Where a connection that was kept turns out to be closed
    /// before a byte of the request was sent, another is taken.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn upload(
        self: &Arc<Self>,
        request: Request<UploadBody>,
    ) -> Result<Response<EngineBody>, EngineError> {
        let progress = request.body().progress().clone();
        let uploaded = tokio::select! {
            uploaded = self.upload_once(request) => Some(uploaded),
            () = progress.until_cut() => None,
        };
        let uploaded = match (uploaded, progress.why_cut()) {
            (Some(Ok(response)), _) => Ok(response),
            (_, Some(why)) => Err(EngineError::Cut(why)),
            (Some(Err(error)), None) => Err(error),
            (None, None) => Err(EngineError::Timeout),
        };
        self.note(&uploaded);
        uploaded
    }

    async fn upload_once(
        self: &Arc<Self>,
        mut request: Request<UploadBody>,
    ) -> Result<Response<EngineBody>, EngineError> {
        let upload = request.body().progress().clone();
        loop {
            let (mut connection, reused) = match self.uploading.take(|sender| !sender.is_closed()) {
                Some(connection) => (connection, true),
                None => (self.connection(self.connect_for_uploads().await?), false),
            };
            if connection.inner.ready().await.is_err() {
                if reused {
                    continue;
                }
                return Err(EngineError::Connect(std::io::ErrorKind::ConnectionReset.into()));
            }
            let Connection { inner, timer, .. } = &mut *connection;
            let sending = std::pin::pin!(inner.try_send_request(request));
            let wait = Duration::from_secs(self.limits.engine_answer_seconds_max);
            match with_patience(sending, timer, Some(&upload), wait).await {
                None => return Err(EngineError::Timeout),
                Some(Ok(response)) => {
                    let is_early = !upload.is_complete();
                    let lease = Lease { pool: self.clone(), connection, upload, is_early };
                    return Ok(response.map(|incoming| EngineBody::uploaded(incoming, lease)));
                }
                Some(Err(mut error)) => match error.take_message() {
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(EngineError::interrupted(reused, error.into_error())),
                },
            }
        }
    }

    /// Notes whether the engine is there. Why a single request failed is another matter.
    fn note<T>(&self, result: &Result<T, EngineError>) {
        match result {
            Ok(_) => self.answers.store(true, Ordering::Relaxed),
            Err(EngineError::Connect(_)) => self.answers.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    fn connection<C>(&self, inner: C) -> Box<Connection<C>> {
        Connection::new(inner, Duration::from_secs(self.limits.engine_stall_seconds_max))
    }

    async fn connect(&self) -> Result<Stream, EngineError> {
        let wait = Duration::from_secs(self.limits.engine_connect_seconds_max);
        tokio::time::timeout(wait, dial(&self.upstream))
            .await
            .map_err(|_| EngineError::Connect(std::io::ErrorKind::TimedOut.into()))?
            .map_err(EngineError::Connect)
    }

    async fn connect_for_uploads(&self) -> Result<SendRequest<UploadBody>, EngineError> {
        let stream = self.connect().await?;
        let (sender, task) = Builder::new()
            .writev(false)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| EngineError::interrupted(false, error))?;
        tokio::spawn(async move {
            // How it ends is told to whoever waits for an answer on it.
            let _ = task.await;
        });
        Ok(sender)
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

#[cfg(test)]
mod tests {
    use super::*;

    const STALL_MAX: Duration = Duration::from_millis(20);

    /// How long it takes until an answer counts as stalled, whose upload moves so often when it is looked at.
    async fn stalls_after(moves: u64) -> Duration {
        let mut connection = Connection::new((), STALL_MAX);
        let begun = Instant::now();
        let mut looks = 0;
        poll_fn(|cx| {
            looks = moves.min(looks + 1);
            connection.poll_stalled(looks, cx)
        })
        .await;
        begun.elapsed()
    }

    /// An answer is stalled when its time is over, and not before; an upload that moves gives it the time anew. Time in which
    /// nobody waits for an answer isn't counted.
    #[tokio::test]
    async fn answers_have_time_to_go_on() {
        assert!(stalls_after(0).await >= STALL_MAX);
        assert!(stalls_after(5).await >= 4 * STALL_MAX);

        let mut connection = Connection::new((), STALL_MAX);
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        assert!(connection.poll_stalled(0, &mut nobody).is_pending());
        connection.goes_on();
        tokio::time::sleep(2 * STALL_MAX).await;
        assert!(connection.poll_stalled(0, &mut nobody).is_pending(), "it begins anew");
        tokio::time::sleep(2 * STALL_MAX).await;
        assert!(connection.poll_stalled(0, &mut nobody).is_ready());
    }
}
