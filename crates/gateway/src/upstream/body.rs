//! Bodies on their way to and from an engine.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::pool::Lease;
use crate::BodyError;

/// What an engine sends. When it has been read to its end, the connection goes back to the pool; when it is dropped
/// before, the connection ends.
pub struct EngineBody {
    incoming: Incoming,
    lease: Option<Lease>,
}

impl EngineBody {
    pub(super) fn new(incoming: Incoming, lease: Lease) -> Self {
        let mut body = Self { incoming, lease: Some(lease) };
        body.give_back_at_end();
        body
    }

    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
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
        let this = self.get_mut();
        loop {
            match std::task::ready!(Pin::new(&mut this.incoming).poll_frame(cx)) {
                // Trailers could carry what the head may not; they end here.
                Some(Ok(frame)) if frame.is_trailers() => {}
                Some(Ok(frame)) => {
                    this.give_back_at_end();
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(error)) => {
                    this.lease = None;
                    return Poll::Ready(Some(Err(BodyError::Broken(error.into()))));
                }
                None => {
                    if let Some(lease) = this.lease.take() {
                        lease.give_back();
                    }
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// How far an upload got, for those who can't see its body any more.
#[derive(Debug, Default)]
pub struct Progress {
    received_bytes: AtomicU64,
    complete: AtomicBool,
    too_large: AtomicBool,
    broken: AtomicBool,
}

impl Progress {
    /// Bytes from the client so far.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Acquire)
    }

    /// Whether the whole body went through.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Whether it went over the limit.
    pub fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Acquire)
    }

    /// Whether the client's connection failed before its end.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}

/// What an engine gets.
#[derive(Debug)]
pub enum UploadBody {
    /// Nothing.
    Empty,
    /// What a client sends, as it comes.
    Client {
        /// The client's body.
        incoming: Incoming,
        /// How many bytes it may still have.
        left_bytes: u64,
        /// How far it got.
        progress: Arc<Progress>,
    },
}

impl UploadBody {
    /// A client's body, up to a limit.
    pub fn client(incoming: Incoming, limit_bytes: u64, progress: Arc<Progress>) -> Self {
        if incoming.is_end_stream() {
            progress.complete.store(true, Ordering::Release);
        }
        Self::Client { incoming, left_bytes: limit_bytes, progress }
    }
}

impl http_body::Body for UploadBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self::Client { incoming, left_bytes, progress } = self.get_mut() else {
            return Poll::Ready(None);
        };
        loop {
            let frame = match std::task::ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    progress.broken.store(true, Ordering::Release);
                    return Poll::Ready(Some(Err(BodyError::Broken(error.into()))));
                }
                None => {
                    progress.complete.store(true, Ordering::Release);
                    return Poll::Ready(None);
                }
            };
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
            if incoming.is_end_stream() {
                progress.complete.store(true, Ordering::Release);
            }
            return Poll::Ready(Some(Ok(frame)));
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Client { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Client { incoming, .. } => incoming.size_hint(),
        }
    }
}
