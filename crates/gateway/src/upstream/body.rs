//! Bodies on their way to and from an engine.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use domain::Refusal;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::asking::AskingConnection;
use super::head::{AnswerError, Framing, Part};
use super::pool::{Connection, Lease, Pool};
use crate::BodyError;
use crate::metrics::EngineFault;

/// What an engine sends. When it has been read to its end, the connection goes back to the pool; when it is dropped
/// before, the connection ends.
pub struct EngineBody(Source);

enum Source {
    /// The answer to a request without a body.
    Asked {
        /// `None` behind the end.
        connection: Option<Box<Connection<AskingConnection>>>,
        framing: Framing,
        pool: Arc<Pool>,
        /// Whether the connection can be used again afterwards.
        keeps: bool,
    },
    /// The answer to an upload.
    Uploaded { incoming: Incoming, lease: Option<Lease> },
}

impl EngineBody {
    pub(super) fn asked(
        connection: Box<Connection<AskingConnection>>,
        framing: Framing,
        pool: Arc<Pool>,
        keeps: bool,
    ) -> Self {
        let mut source = Source::Asked { connection: Some(connection), framing, pool, keeps };
        source.give_back_at_end();
        Self(source)
    }

    pub(super) fn uploaded(incoming: Incoming, lease: Lease) -> Self {
        let mut source = Source::Uploaded { incoming, lease: Some(lease) };
        source.give_back_at_end();
        Self(source)
    }

    /// All of it, if all has come; the connection goes back to the pool.
    pub(crate) fn take_whole(&mut self) -> Option<Bytes> {
        let Source::Asked { connection, framing, .. } = &mut self.0 else { return None };
        let received = connection.as_mut()?.inner().received();
        if framing.left_bytes()? > received.len() as u64 {
            return None;
        }
        let Part::Data(whole) = framing.take(received) else { return None };
        self.0.give_back_at_end();
        Some(whole)
    }
}

impl Source {
    fn give_back_at_end(&mut self) {
        match self {
            Self::Asked { connection, framing, pool, keeps } if framing.is_done() => {
                if let Some(connection) = connection.take().filter(|_| *keeps) {
                    pool.keep(connection);
                }
            }
            Self::Uploaded { incoming, lease } if incoming.is_end_stream() => {
                if let Some(lease) = lease.take() {
                    lease.give_back();
                }
            }
            Self::Asked { .. } | Self::Uploaded { .. } => {}
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Self::Asked { connection, framing, .. } => poll_asked(connection, framing, cx),
            Self::Uploaded { incoming, .. } => loop {
                return Poll::Ready(match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                    // Trailers could carry what the head may not; they end here.
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => Some(Ok(data)),
                        Err(_trailers) => continue,
                    },
                    Some(Err(error)) => Some(Err(BodyError::Broken(error.into()))),
                    None => None,
                });
            },
        }
    }

    /// The engine goes on, or is done.
    const fn goes_on(&mut self) {
        match self {
            Self::Asked { connection: Some(connection), .. } => connection.goes_on(),
            Self::Uploaded { lease: Some(lease), .. } => lease.goes_on(),
            Self::Asked { .. } | Self::Uploaded { .. } => {}
        }
    }

    /// Ready when the engine has sent nothing for too long, though somebody waits for it.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Asked { connection: Some(connection), .. } => connection.poll_stalled(0, cx),
            Self::Uploaded { lease: Some(lease), .. } => lease.poll_stalled(cx),
            Self::Asked { .. } | Self::Uploaded { .. } => Poll::Pending,
        }
    }

    /// Counts the break as the engine's fault, unless the upload that is answered broke first, and ends the connection.
    fn abandon(&mut self, error: &BodyError) {
        match self {
            Self::Asked { connection, pool, .. } => {
                *connection = None;
                pool.count(fault(error));
            }
            Self::Uploaded { lease, .. } => {
                if let Some(lease) = lease.take() {
                    lease.break_off(fault(error));
                }
            }
        }
    }
}

/// What kind of failure a body that broke off counts as.
fn fault(error: &BodyError) -> EngineFault {
    match error {
        BodyError::Broken(source) => {
            source.downcast_ref().map_or(EngineFault::Interrupted, AnswerError::fault)
        }
        BodyError::TooLarge { .. } | BodyError::Cut | BodyError::Stalled => EngineFault::Interrupted,
    }
}

fn poll_asked(
    connection: &mut Option<Box<Connection<AskingConnection>>>,
    framing: &mut Framing,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BodyError>>> {
    loop {
        let Some(asking) = connection.as_mut().map(|connection| connection.inner()) else {
            return Poll::Ready(None);
        };
        match framing.take(asking.received()) {
            Part::Data(data) => return Poll::Ready(Some(Ok(data))),
            Part::End => return Poll::Ready(None),
            Part::Broken => return Poll::Ready(Some(Err(BodyError::Broken(AnswerError::Framing.into())))),
            Part::More => {}
        }
        match ready!(asking.poll_fill(framing.left_bytes(), cx)) {
            Ok(0) if *framing == Framing::UntilClose => *framing = Framing::Length(0),
            Ok(0) => return Poll::Ready(Some(Err(BodyError::Broken(AnswerError::BrokenOff.into())))),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
        }
    }
}

impl fmt::Debug for EngineBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineBody")
    }
}

impl http_body::Body for EngineBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let source = &mut self.get_mut().0;
        let data = match source.poll_data(cx) {
            Poll::Ready(data) => data,
            Poll::Pending => {
                ready!(source.poll_stalled(cx));
                Some(Err(BodyError::Broken(AnswerError::Stalled.into())))
            }
        };
        source.goes_on();
        match &data {
            Some(Err(error)) => source.abandon(error),
            Some(Ok(_)) | None => source.give_back_at_end(),
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            // Not by its connection, which is gone behind a break too.
            Source::Asked { framing, .. } => framing.is_done(),
            Source::Uploaded { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Asked { framing, .. } => {
                framing.left_bytes().map_or_else(SizeHint::default, SizeHint::with_exact)
            }
            Source::Uploaded { incoming, .. } => incoming.size_hint(),
        }
    }
}

/// How far an upload got, for those who can't see its body any more, and the way to cut it.
#[derive(Debug, Default)]
pub struct Progress {
    received_bytes: AtomicU64,
    /// One of [`RUNNING`], [`COMPLETE`] and [`CUT`]: an upload that was cut never becomes complete.
    state: AtomicU8,
    too_large: AtomicBool,
    broken: AtomicBool,
    why_cut: OnceLock<Refusal>,
    cut: CancellationToken,
}

const RUNNING: u8 = 0;
const COMPLETE: u8 = 1;
const CUT: u8 = 2;

impl Progress {
    /// Bytes from the client so far.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Acquire)
    }

    /// Whether the whole body went through.
    pub fn is_complete(&self) -> bool {
        self.state.load(Ordering::Acquire) == COMPLETE
    }

    /// Whether it went over the limit.
    pub fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Acquire)
    }

    /// Whether the client's connection failed before its end.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Cuts an upload that isn't complete: nothing more of it passes.
    pub(crate) fn cut(&self, why: Refusal) {
        // The first reason is kept.
        let _ = self.why_cut.set(why);
        if self.become_state(CUT) {
            self.cut.cancel();
        }
    }

    /// Waits until the upload is cut; forever where it never is.
    pub(crate) async fn until_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Why it was cut, if it was.
    pub(crate) fn why_cut(&self) -> Option<Refusal> {
        self.why_cut.get().filter(|_| self.is_cut()).cloned()
    }

    /// Whether it failed on the client's side, or was cut.
    pub(super) fn has_failed(&self) -> bool {
        self.is_broken() || self.is_too_large() || self.is_cut()
    }

    fn is_cut(&self) -> bool {
        self.state.load(Ordering::Acquire) == CUT
    }

    /// Notes that all of it is here. Returns whether that is in time.
    fn complete(&self) -> bool {
        self.become_state(COMPLETE) || self.is_complete()
    }

    fn become_state(&self, state: u8) -> bool {
        self.state.compare_exchange(RUNNING, state, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// What a client sends, as it comes, on its way to an engine.
#[derive(Debug)]
pub struct UploadBody {
    incoming: Incoming,
    /// How many bytes it may still have.
    left_bytes: u64,
    progress: Arc<Progress>,
}

impl UploadBody {
    /// A client's body, up to a limit.
    pub fn new(incoming: Incoming, limit_bytes: u64, progress: Arc<Progress>) -> Self {
        if is_whole(&incoming) {
            progress.complete();
        }
        Self { incoming, left_bytes: limit_bytes, progress }
    }

    /// How far it got.
    pub const fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }
}

impl http_body::Body for UploadBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { incoming, left_bytes, progress } = self.get_mut();
        loop {
            let frame = match std::task::ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    progress.broken.store(true, Ordering::Release);
                    return Poll::Ready(Some(Err(BodyError::Broken(error.into()))));
                }
                None if progress.complete() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(BodyError::Cut))),
            };
            if progress.is_cut() {
                return Poll::Ready(Some(Err(BodyError::Cut)));
            }
            // Trailers could carry what the head may not; they end here.
            let Some(data) = frame.data_ref() else { continue };
            let length = data.len() as u64;
            let received = progress.received_bytes.fetch_add(length, Ordering::AcqRel) + length;
            let Some(left) = left_bytes.checked_sub(length) else {
                progress.too_large.store(true, Ordering::Release);
                let limit_bytes = received.min(received - length + *left_bytes);
                return Poll::Ready(Some(Err(BodyError::TooLarge { limit_bytes })));
            };
            *left_bytes = left;
            if is_whole(incoming) && !progress.complete() {
                return Poll::Ready(Some(Err(BodyError::Cut)));
            }
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        is_whole(&self.incoming)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Whether nothing of a body is missing. Over HTTP/2 the frame that ends a stream may come after the last byte of the length that
/// was announced, and nobody looks for it: to the engine the body is whole by then.
fn is_whole(incoming: &Incoming) -> bool {
    incoming.is_end_stream() || incoming.size_hint().exact() == Some(0)
}
