//! The ends of a session.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use crate::guard::ClientIo;
use crate::stream::Stream;

/// Takes a client's connection out of hyper, with what was read beyond the request. None where it isn't one that `accept`
/// made, which can't happen: nobody else serves requests.
pub(crate) fn take_out(upgraded: Upgraded) -> Option<(Stream, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<ClientIo>>().ok()?;
    let (stream, unread) = parts.io.into_inner().into_parts();
    Some((stream, joined(parts.read_buf, unread)))
}

/// What hyper has read, and what it has not read yet. Copied: the buffers behind them are larger.
fn joined(first: Bytes, second: Bytes) -> Bytes {
    if first.is_empty() && second.is_empty() {
        return Bytes::new();
    }
    [first, second].concat().into()
}
