//! From what the gateway knows of a request to spans.

use std::borrow::Cow;

use gateway::Trace;
use gateway::trace::Step;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// From this status on a request counts as failed.
const SERVER_ERROR: u16 = 500;

/// How many spans a trace has.
pub(super) fn count(trace: &Trace) -> usize {
    1 + usize::from(trace.verify.is_some()) + usize::from(trace.engine.is_some())
}

/// The spans of a request: itself, deciding, and the engine.
pub(super) fn of(trace: &Trace) -> Vec<SpanData> {
    let mut spans = Vec::with_capacity(count(trace));
    let whole = Step { begun: std::time::Duration::ZERO, took: trace.took };
    let name = format!("voxgate {}", trace.route);
    let mut request = span(trace, trace.span_id, name.into(), SpanKind::Server, whole);
    request.parent_span_id = trace.parent_span_id.map_or(SpanId::INVALID, id);
    request.parent_span_is_remote = trace.parent_span_id.is_some();
    request.attributes = attributes(trace);
    if trace.status >= SERVER_ERROR {
        let why = trace.reason.map_or("", |reason| reason.as_str());
        request.status = Status::Error { description: Cow::Borrowed(why) };
    }
    spans.push(request);
    // Its own id: made from the others', which are random.
    let verify_id = trace.span_id.rotate_left(32) ^ trace.engine_span_id;
    spans.extend(trace.verify.map(|step| span(trace, verify_id, "verify".into(), SpanKind::Internal, step)));
    spans.extend(
        trace.engine.map(|step| span(trace, trace.engine_span_id, "engine".into(), SpanKind::Client, step)),
    );
    spans
}

fn id(value: u64) -> SpanId {
    SpanId::from_bytes(value.to_be_bytes())
}

fn span(trace: &Trace, span_id: u64, name: Cow<'static, str>, kind: SpanKind, step: Step) -> SpanData {
    let start_time = trace.begun + step.begun;
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(trace.trace_id.to_be_bytes()),
            id(span_id),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: id(trace.span_id),
        parent_span_is_remote: false,
        span_kind: kind,
        name,
        start_time,
        end_time: start_time + step.took,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("voxgate").build(),
    }
}

/// What is told of a request: as in the access log, no path, no credential and no client_ref.
fn attributes(trace: &Trace) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.response.status_code", i64::from(trace.status)),
        KeyValue::new("voxgate.route", trace.route.as_str()),
    ];
    attributes.extend(trace.region.map(|region| KeyValue::new("voxgate.region", region.as_str())));
    let product = trace.route.product();
    attributes.extend(product.map(|product| KeyValue::new("voxgate.product", product.as_str())));
    attributes.extend(trace.reason.map(|reason| KeyValue::new("voxgate.reason", reason.as_str())));
    attributes.extend(trace.project_id.map(|id| KeyValue::new("voxgate.project_id", id.get())));
    attributes.extend(trace.api_key_id.map(|id| KeyValue::new("voxgate.api_key_id", id.to_text())));
    attributes.extend(trace.request_id.map(|id| KeyValue::new("voxgate.request_id", id.to_text())));
    attributes
}
