//! Requests without a body, which most are: written and read here, by the task that asks, without another task or channel
//! between. Uploads go over hyper.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::head::{AnswerError, AnswerHead, RequestHead, read_answer};
use crate::stream::Stream;

/// How much is read at once, in bytes.
const READ_BYTES: usize = 8 * 1024;
/// How much is read at once of a body that is known to be long, in bytes.
const READ_BYTES_MAX: usize = 64 * 1024;

/// A connection for requests without a body, one after the other.
#[derive(Debug)]
pub(super) struct AskingConnection {
    stream: Stream,
    /// What was read and not yet taken.
    received: BytesMut,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// The connection ended before a byte of an answer.
    Unanswered(io::Error),
    /// What came is no answer.
    Answer(AnswerError),
}

impl AskingConnection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, received: BytesMut::new() }
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn ask(&mut self, request: &RequestHead) -> Result<AnswerHead, AskError> {
        self.stream.write_all(request.bytes()).await.map_err(AskError::Unanswered)?;
        self.stream.flush().await.map_err(AskError::Unanswered)?;
        loop {
            let read = poll_fn(|cx| self.poll_fill(None, cx)).await;
            match read {
                Ok(0) if self.received.is_empty() => {
                    return Err(AskError::Unanswered(io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(0) => return Err(AskError::Answer(AnswerError::BrokenOff)),
                Ok(_) => {}
                Err(error) if self.received.is_empty() => return Err(AskError::Unanswered(error)),
                Err(_) => return Err(AskError::Answer(AnswerError::BrokenOff)),
            }
            if let Some(head) = read_answer(&mut self.received, request.method()).map_err(AskError::Answer)? {
                return Ok(head);
            }
        }
    }

    /// Reads more; 0 bytes are the connection's end. `left_bytes` is how much is still to come, where that is known.
    pub(super) fn poll_fill(
        &mut self,
        left_bytes: Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let left = left_bytes.map_or(READ_BYTES, |left| usize::try_from(left).unwrap_or(usize::MAX));
        self.received.reserve(left.clamp(READ_BYTES, READ_BYTES_MAX));
        poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.received)
    }

    /// What was read and not yet taken.
    pub(super) const fn received(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// Whether another request can be sent: nothing came that nobody asked for, not even the connection's end.
    pub(super) fn is_fresh(&mut self) -> bool {
        if !self.received.is_empty() {
            return false;
        }
        if self.received.capacity() > 2 * READ_BYTES {
            self.received = BytesMut::new();
        }
        let mut byte = [0];
        let mut nobody = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut nobody, &mut ReadBuf::new(&mut byte)).is_pending()
    }
}
