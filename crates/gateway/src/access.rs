//! The access log: one line for each request, written when the last byte of its answer is on its way.
//!
//! Only the path is told: queries carry secrets, and a path that holds what looks like one is cut short.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use crate::answer::REQUEST_ID;
use crate::{Body, BodyError, Outcome};

/// What of a path is told, in bytes.
const PATH_BYTES_MAX: usize = 256;
/// What one segment of a path that may be told has at most, in bytes: longer ones are no names of ours.
const SEGMENT_BYTES_MAX: usize = 64;

/// Whether somebody wants to read of requests.
pub(crate) fn is_on() -> bool {
    tracing::enabled!(target: "access", tracing::Level::INFO)
}

/// What the access log says of a request.
#[derive(Debug)]
pub(crate) struct Entry {
    method: Method,
    path: String,
    peer: IpAddr,
    begun: Instant,
    /// What its body has, if it says so.
    request_bytes: Option<u64>,
}

impl Entry {
    /// Notes a request that came at `begun`.
    pub(crate) fn begin(request: &Request<Incoming>, peer: IpAddr, begun: Instant) -> Self {
        Self {
            method: request.method().clone(),
            path: told_path(request.uri().path()),
            peer,
            begun,
            request_bytes: request.body().size_hint().exact(),
        }
    }

    /// Writes the line once the answer is sent, or can't be.
    pub(crate) fn end(self, response: Response<Body>, outcome: Outcome) -> Response<Body> {
        let status = response.status();
        let id = match outcome.request_id {
            Some(id) => id.to_text(),
            None => {
                response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned()
            }
        };
        let line = Line { entry: self, outcome, status, id };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            line.write(0, true);
            return response;
        }
        response.map(|body| Body::Logged(Box::new(Logged { body, line, sent_bytes: 0, is_complete: false })))
    }
}

#[derive(Debug)]
struct Line {
    entry: Entry,
    outcome: Outcome,
    status: StatusCode,
    id: String,
}

impl Line {
    fn write(&self, sent_bytes: u64, is_complete: bool) {
        let Self { entry, outcome, status, id } = self;
        tracing::info!(
            target: "access",
            method = %entry.method,
            path = entry.path,
            status = status.as_u16(),
            reason = outcome.reason.map(|reason| reason.as_str()),
            region = outcome.region.map(|region| region.as_str()),
            product = outcome.route.product().map(|product| product.as_str()),
            route = outcome.route.as_str(),
            project_id = outcome.project_id.map(|id| id.get()),
            api_key_id = outcome.api_key_id.map(tracing::field::display),
            request_bytes = entry.request_bytes,
            sent_bytes,
            broken_off = (!is_complete).then_some(true),
            micros = u64::try_from(entry.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            peer = %entry.peer,
            request_id = id,
            "request"
        );
    }
}

/// The body of an answer whose line is still to be written.
#[derive(Debug)]
pub struct Logged {
    body: Body,
    line: Line,
    sent_bytes: u64,
    is_complete: bool,
}

impl Logged {
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => self.sent_bytes += frame.data_ref().map_or(0, Bytes::len) as u64,
            Some(Err(_)) => {}
            None => self.is_complete = true,
        }
        Poll::Ready(frame)
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // A body that says itself that it is over isn't asked again.
        let is_complete = self.is_complete || self.body.is_end_stream();
        self.line.write(self.sent_bytes, is_complete);
    }
}

/// A path as it may be told: no longer than a limit, and without what could be a credential that was pasted into it.
fn told_path(path: &str) -> String {
    let mut told = String::with_capacity(path.len().min(PATH_BYTES_MAX));
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            told.push('/');
        }
        if told.len() + segment.len() > PATH_BYTES_MAX {
            told.push('…');
            break;
        }
        if is_told(segment) { told.push_str(segment) } else { told.push('…') }
    }
    told
}

fn is_told(segment: &str) -> bool {
    const CREDENTIALS: [&str; 4] = ["vgk_", "vgm_", "vgg_", "eyJ"];
    segment.len() <= SEGMENT_BYTES_MAX && !CREDENTIALS.iter().any(|start| segment.contains(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A credential that somebody puts into a path is in no log.
    #[test]
    fn credentials_in_paths_are_not_told() {
        assert_eq!(told_path("/v2/jobs/abc123/transcript"), "/v2/jobs/abc123/transcript");
        assert_eq!(told_path("/v2/vgk_canary"), "/v2/…");
        assert_eq!(told_path("/v2/x-vgm_canary/jobs"), "/v2/…/jobs");
        assert_eq!(told_path("/v2/eyJhbGciOi.canary"), "/v2/…");
        assert_eq!(told_path(&format!("/{}", "k".repeat(65))), "/…");
    }

    proptest! {
        /// However long a path is, its line is not.
        #[test]
        fn told_paths_are_short(path in "(/[a-z_€]{0,90}){0,40}") {
            prop_assert!(told_path(&path).len() <= PATH_BYTES_MAX + 2 * '…'.len_utf8() + 1);
        }
    }
}
