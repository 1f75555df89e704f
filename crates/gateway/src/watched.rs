//! An answer on its way to a client of HTTP/2, whose connection may move while one of its streams stands still. hyper asks for the
//! next bytes only when the client has room for them, so a body that is left standing never learns of it: somebody else has to
//! look at the time.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::BodyError;

/// A body that gives up what it holds, memory or an engine's connection, once the client has left it standing for too long.
pub struct Watched {
    shared: Arc<Mutex<Shared>>,
    watch: AbortHandle,
}

/// What the body and its watch both see.
struct Shared {
    /// `None` once it was left standing for too long. In pieces, so that a slow client takes one often enough.
    body: Option<UnsyncBoxBody<Bytes, BodyError>>,
    /// Since when it is the client that is waited for; `None` while it is what the answer comes from.
    waits_since: Option<Instant>,
}

impl Watched {
    /// Watches a body from now on.
    pub(crate) fn begin(body: UnsyncBoxBody<Bytes, BodyError>, stall: Duration) -> Self {
        let shared = Shared { body: Some(body), waits_since: Some(Instant::now()) };
        let shared = Arc::new(Mutex::new(shared));
        let watch = tokio::spawn(watch(Arc::clone(&shared), stall)).abort_handle();
        Self { shared, watch }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut shared = lock(&self.shared);
        let Some(body) = &mut shared.body else { return Poll::Ready(Some(Err(BodyError::Stalled))) };
        let frame = Pin::new(body).poll_frame(cx);
        shared.waits_since = frame.is_ready().then(Instant::now);
        frame
    }

    /// What was left standing isn't at its end: the client must not take a part for the whole.
    pub(crate) fn is_end_stream(&self) -> bool {
        lock(&self.shared).body.as_ref().is_some_and(http_body::Body::is_end_stream)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        lock(&self.shared).body.as_ref().map(http_body::Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

/// Drops the body once the client was waited for that long.
async fn watch(shared: Arc<Mutex<Shared>>, stall: Duration) {
    loop {
        let deadline = {
            let mut shared = lock(&shared);
            let now = Instant::now();
            let deadline = shared.waits_since.unwrap_or(now) + stall;
            if deadline <= now {
                shared.body = None;
                return;
            }
            deadline
        };
        tokio::time::sleep_until(deadline).await;
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
