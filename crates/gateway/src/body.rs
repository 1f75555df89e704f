//! The body of answers: no box on the paths that matter.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use crate::access::Logged;
use crate::upstream::EngineBody;
use crate::watched::Watched;

/// What is handed on at once of bytes that are at hand. hyper copies each piece for the connection that it goes to, whole, and asks
/// for the next one once that has found its way: a large body costs a client that doesn't read it no more than this.
const PIECE_BYTES_MAX: usize = 16 * 1024;

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection that it came over failed.
    #[error("the connection broke off in the middle of a body")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It was larger than the limit.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// Its sender lost the right to send it.
    #[error("the upload was cut")]
    Cut,
    /// Its receiver didn't take it.
    #[error("the client left its answer standing for too long")]
    Stalled,
}

/// The body of an answer.
pub enum Body {
    /// Bytes that are at hand, once.
    Full(Bytes),
    /// What an engine sends.
    Engine(EngineBody),
    /// Any that is large or may become so, for a client that may leave it standing while its connection goes on.
    Watched(Watched),
    /// Any of the others, while its line in the access log is to be written.
    Logged(Box<Logged>),
    /// Anything else.
    Boxed(UnsyncBoxBody<Bytes, BodyError>),
}

impl Body {
    /// A body without bytes.
    pub const fn empty() -> Self {
        Self::Full(Bytes::new())
    }

    /// A body of these bytes.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::Full(bytes.into())
    }

    /// Takes in a body of another kind, as management and portal make them.
    pub fn boxed<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = body.map_err(|error| BodyError::Broken(error.into()));
        Self::Boxed(Pieces::new(body).boxed_unsync())
    }

    /// Lets a client leave its answer standing for so long and no longer, where the connection it goes over doesn't see to that.
    /// An engine isn't needed any more for what has come whole, and what is handed on at once is with the connection.
    pub(crate) fn watched(self, stall: Duration) -> Self {
        match self {
            Self::Engine(mut body) => match body.take_whole() {
                Some(whole) => Self::Full(whole).watched(stall),
                None => Self::Watched(Watched::begin(Pieces::new(body).boxed_unsync(), stall)),
            },
            Self::Full(bytes) if bytes.len() > PIECE_BYTES_MAX => {
                Self::Watched(Watched::begin(Self::Full(bytes).boxed_unsync(), stall))
            }
            Self::Boxed(body)
                if body.size_hint().upper().is_none_or(|upper| upper > PIECE_BYTES_MAX as u64) =>
            {
                Self::Watched(Watched::begin(body, stall))
            }
            other @ (Self::Full(_) | Self::Boxed(_) | Self::Watched(_) | Self::Logged(_)) => other,
        }
    }
}

/// A body whose large frames are handed on in pieces.
pub(crate) struct Pieces<B> {
    body: Pin<Box<B>>,
    rest: Bytes,
}

impl<B> Pieces<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body: Box::pin(body), rest: Bytes::new() }
    }
}

impl<B: http_body::Body<Data = Bytes, Error = BodyError>> http_body::Body for Pieces<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            match std::task::ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece(&mut this.rest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

/// Takes the next piece off.
fn piece(bytes: &mut Bytes) -> Bytes {
    bytes.split_to(bytes.len().min(PIECE_BYTES_MAX))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Engine(_) => f.write_str("Engine"),
            Self::Watched(_) => f.write_str("Watched"),
            Self::Logged(_) => f.write_str("Logged"),
            Self::Boxed(_) => f.write_str("Boxed"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(piece(bytes))))),
            Self::Engine(body) => Pin::new(body).poll_frame(cx),
            Self::Watched(body) => body.poll_frame(cx),
            Self::Logged(logged) => logged.poll_frame(cx),
            Self::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Engine(body) => body.is_end_stream(),
            Self::Watched(body) => body.is_end_stream(),
            Self::Logged(logged) => logged.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Engine(body) => body.size_hint(),
            Self::Watched(body) => body.size_hint(),
            Self::Logged(logged) => logged.size_hint(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    /// However large an answer is that is at hand, it is handed on in pieces, and arrives as it was.
    #[tokio::test]
    async fn large_bodies_come_in_pieces() {
        let large: Bytes = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        for mut body in [Body::full(large.clone()), Body::boxed(Full::new(large.clone()))] {
            let mut arrived = Vec::new();
            while !body.is_end_stream() {
                let left = (large.len() - arrived.len()) as u64;
                assert_eq!(body.size_hint().exact(), Some(left), "what is left is known");
                let Some(frame) = body.frame().await else { break };
                let data = frame.unwrap().into_data().unwrap();
                assert!(!data.is_empty() && data.len() <= PIECE_BYTES_MAX, "{} bytes at once", data.len());
                arrived.extend_from_slice(&data);
            }
            assert!(arrived == large, "nothing is lost or added");
        }
        for mut body in [Body::empty(), Body::boxed(Full::new(Bytes::new()))] {
            assert!(body.frame().await.is_none());
        }
    }
}
