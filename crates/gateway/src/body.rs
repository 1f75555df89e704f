//! The body of answers: no box on the paths that matter.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

use crate::access::Logged;
use crate::upstream::EngineBody;

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
}

/// The body of an answer.
pub enum Body {
    /// Bytes that are at hand, once.
    Full(Bytes),
    /// What an engine sends.
    Engine(EngineBody),
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
        use http_body_util::BodyExt as _;
        Self::Boxed(body.map_err(|error| BodyError::Broken(error.into())).boxed_unsync())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Engine(_) => f.write_str("Engine"),
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
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Engine(body) => Pin::new(body).poll_frame(cx),
            Self::Logged(logged) => logged.poll_frame(cx),
            Self::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Engine(body) => body.is_end_stream(),
            Self::Logged(logged) => logged.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Engine(body) => body.size_hint(),
            Self::Logged(logged) => logged.size_hint(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}
