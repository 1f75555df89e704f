//! Traces of requests, where the operator wants some: which request, how long deciding took, how long the engine took.
//!
//! Off unless configured, and then a request costs one look at an option. A trace that a trusted proxy began is gone on with
//! ([W3C Trace Context](https://www.w3.org/TR/trace-context/)); nobody else's is believed. Engines are told the trace, so that
//! theirs hang below.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use domain::{ApiKeyId, ProjectId, Reason, Region, RequestId, Rng};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::{Outcome, RouteClass};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// `tracestate`, in bytes: what the specification asks everybody to pass on.
const TRACESTATE_BYTES_MAX: usize = 512;
/// Of so many requests a sample is taken.
pub const SAMPLED_OF: u32 = 1_000_000;

/// Takes finished traces. Never waits.
pub trait TraceSink: Send + Sync + fmt::Debug {
    /// Takes one.
    fn take(&self, trace: Trace);
}

/// Which requests are traced, and who gets the traces.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// Who gets them.
    pub sink: Arc<dyn TraceSink>,
    /// How many of a million requests are traced where no proxy has decided it.
    pub sampled_per_million: u32,
}

/// Where a request hangs in a trace: `traceparent`, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace_id: u128,
    /// The span that this one is below.
    pub span_id: u64,
    /// Whether it is recorded.
    pub is_sampled: bool,
}

/// One step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it began, after the request.
    pub begun: Duration,
    /// How long it took.
    pub took: Duration,
}

/// The trace of a request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Where it hangs.
    pub trace_id: u128,
    /// The span above it, if a proxy began the trace.
    pub parent_span_id: Option<u64>,
    /// The request's own span.
    pub span_id: u64,
    /// The span of what the engine does, told to it.
    pub engine_span_id: u64,
    /// When the request came.
    pub begun: SystemTime,
    /// How long it took until its answer began.
    pub took: Duration,
    /// Deciding who it is and what it may.
    pub verify: Option<Step>,
    /// What comes after that: owners, and the engine.
    pub engine: Option<Step>,
    /// The status of its answer.
    pub status: u16,
    /// Where it arrived.
    pub region: Option<Region>,
    /// What it asked for.
    pub route: RouteClass,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// Whose it is.
    pub project_id: Option<ProjectId>,
    /// Which API key it came with, or the parent of its temporary key.
    pub api_key_id: Option<ApiKeyId>,
    /// Its id.
    pub request_id: Option<RequestId>,
}

/// A trace that is being made.
#[derive(Debug)]
pub struct Draft {
    parent: Option<TraceParent>,
    trace_id: u128,
    span_id: u64,
    engine_span_id: u64,
    since: Instant,
    begun: SystemTime,
    verify: Option<Step>,
    engine: Option<Step>,
}

impl Draft {
    /// Begins a step.
    pub(crate) fn step(&self) -> Duration {
        self.since.elapsed()
    }

    /// Notes that deciding, begun then, is over.
    pub(crate) fn verified(&mut self, begun: Duration) {
        self.verify = Some(self.over(begun));
    }

    /// Notes that the engine, asked from then on, has answered.
    pub(crate) fn answered(&mut self, begun: Duration) {
        self.engine = Some(self.over(begun));
    }

    fn over(&self, begun: Duration) -> Step {
        Step { begun, took: self.since.elapsed().saturating_sub(begun) }
    }

    /// The trace, once the request was answered.
    pub(crate) fn finish(self, outcome: &Outcome, status: u16) -> Trace {
        Trace {
            trace_id: self.trace_id,
            parent_span_id: self.parent.map(|parent| parent.span_id),
            span_id: self.span_id,
            engine_span_id: self.engine_span_id,
            begun: self.begun,
            took: self.since.elapsed(),
            verify: self.verify,
            engine: self.engine,
            status,
            region: outcome.region,
            route: outcome.route,
            reason: outcome.reason,
            project_id: outcome.project_id,
            api_key_id: outcome.api_key_id,
            request_id: outcome.request_id,
        }
    }
}

/// Begins the trace of a request that is to be traced, and lets `headers` tell engines what they hang below. What a client says
/// of traces by itself is taken away.
pub(crate) fn begin(
    tracing: Option<&Tracing>,
    headers: &mut HeaderMap,
    by_proxy: bool,
    since: Instant,
    rng: &dyn Rng,
) -> Option<Box<Draft>> {
    let is_told = headers.contains_key(TRACEPARENT);
    let parent = if is_told && by_proxy { parent(headers) } else { None };
    if is_told && parent.is_none() {
        headers.remove(TRACEPARENT);
        headers.remove(TRACESTATE);
    }
    let tracing = tracing?;
    let random = rng.next_u128();
    let is_sampled = parent.map_or_else(
        || (random % u128::from(SAMPLED_OF)) < u128::from(tracing.sampled_per_million),
        |parent| parent.is_sampled,
    );
    if !is_sampled {
        return None;
    }
    let spans = rng.next_u128();
    let draft = Draft {
        parent,
        trace_id: parent.map_or(random, |parent| parent.trace_id).max(1),
        span_id: low_bits(spans).max(1),
        engine_span_id: low_bits(spans >> 64).max(1),
        since,
        begun: wall_clock(),
        verify: None,
        engine: None,
    };
    let told = TraceParent { trace_id: draft.trace_id, span_id: draft.engine_span_id, is_sampled: true };
    if let Ok(value) = HeaderValue::try_from(told.to_text()) {
        headers.insert(TRACEPARENT, value);
    }
    Some(Box::new(draft))
}

fn low_bits(value: u128) -> u64 {
    (value & u128::from(u64::MAX)) as u64
}

#[expect(clippy::disallowed_methods, reason = "collectors compare spans of several machines by their clocks")]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}

/// What a trusted proxy says of the trace.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = TraceParent::parse(parents.next()?.to_str().ok()?)?;
    let state_bytes: usize = headers.get_all(TRACESTATE).iter().map(HeaderValue::len).sum();
    (parents.next().is_none() && state_bytes <= TRACESTATE_BYTES_MAX).then_some(parent)
}

impl TraceParent {
    /// Reads a `traceparent`.
    pub fn parse(text: &str) -> Option<Self> {
        const BYTES: usize = 55;
        let bytes = text.as_bytes();
        // A later version may say more behind what this one knows.
        let is_known = bytes.len() == BYTES || (bytes.get(BYTES) == Some(&b'-') && !text.starts_with("00"));
        let has_hyphens = [2, 35, 52].iter().all(|place| bytes.get(*place) == Some(&b'-'));
        if !is_known || !has_hyphens || bytes.len() > 256 || text.starts_with("ff") {
            return None;
        }
        hex(text.get(..2)?)?;
        let trace_id = hex(text.get(3..35)?)?;
        let span_id = low_bits(hex(text.get(36..52)?)?);
        let flags = hex(text.get(53..BYTES)?)?;
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }

    /// Its text.
    pub fn to_text(self) -> String {
        let mut text = String::with_capacity(55);
        // Writing to a string can't fail.
        let _ =
            write!(text, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled));
        text
    }
}

fn hex(digits: &str) -> Option<u128> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    plain.then(|| u128::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;

    const TOLD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[derive(Debug)]
    struct Nobody;

    impl TraceSink for Nobody {
        fn take(&self, _trace: Trace) {}
    }

    fn tracing(sampled_per_million: u32) -> Tracing {
        Tracing { sink: Arc::new(Nobody), sampled_per_million }
    }

    fn told(text: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static(text));
        headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
        headers
    }

    fn begun(tracing: Option<&Tracing>, headers: &mut HeaderMap, by_proxy: bool) -> Option<Box<Draft>> {
        begin(tracing, headers, by_proxy, Instant::now(), &SystemRng)
    }

    proptest! {
        /// Whatever stands in the header, it is read or not, and what is read is what is written.
        #[test]
        fn traceparents(text in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-0[01](-x)?|.{0,60}") {
            if let Some(parent) = TraceParent::parse(&text) {
                prop_assert_eq!(&parent.to_text()[2..55], &text[2..55]);
            }
        }
    }

    /// What the specification calls invalid is not believed.
    #[test]
    fn invalid_traceparents() {
        assert!(TraceParent::parse(TOLD).is_some_and(|parent| parent.is_sampled));
        for bad in [
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }

    /// A client can't hang its requests into traces; a trusted proxy can, and the engine hangs below both.
    #[test]
    fn who_is_believed() {
        let all = tracing(SAMPLED_OF);
        let mut headers = told(TOLD);
        assert!(begun(None, &mut headers, false).is_none());
        assert!(headers.is_empty(), "a client's word doesn't reach the engine");
        let mut headers = told(TOLD);
        let draft = begun(Some(&all), &mut headers, false).unwrap();
        assert!(draft.parent.is_none() && !headers[TRACEPARENT].to_str().unwrap().contains("4bf92f35"));

        let mut headers = told(TOLD);
        assert!(begun(None, &mut headers, true).is_none());
        assert_eq!((headers.len(), &headers[TRACEPARENT]), (2, &HeaderValue::from_static(TOLD)));
        let draft = begun(Some(&tracing(0)), &mut headers, true).unwrap();
        assert_eq!(draft.parent, TraceParent::parse(TOLD));
        let engine = TraceParent::parse(headers[TRACEPARENT].to_str().unwrap()).unwrap();
        assert_eq!((engine.trace_id, engine.span_id), (draft.trace_id, draft.engine_span_id));
    }

    /// The operator chooses how many are traced, from none to all.
    #[test]
    fn samples() {
        let count = |per_million| {
            let tracing = tracing(per_million);
            (0..1000).filter(|_| begun(Some(&tracing), &mut HeaderMap::new(), false).is_some()).count()
        };
        assert_eq!((count(0), count(SAMPLED_OF)), (0, 1000));
        assert!((100..900).contains(&count(SAMPLED_OF / 2)));
        let mut headers = told("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        assert!(begun(Some(&tracing(SAMPLED_OF)), &mut headers, true).is_none(), "the proxy has decided");
    }
}
