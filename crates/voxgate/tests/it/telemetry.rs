//! Traces, as a collector receives them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use testkit::Caller;
use tokio::net::TcpListener;

use crate::program::Program;

const PROXY_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PROXY_SPAN: &str = "00f067aa0ba902b7";

/// What a collector was sent: spans, with the service that they name.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(String, Span)>>>);

/// The trace headers that an engine got.
#[derive(Clone, Default)]
struct Engine(Arc<Mutex<Vec<Option<String>>>>);

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = collector.0.lock().unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let service = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
        let Some(Value::StringValue(service)) = service.value.clone().unwrap().value else {
            panic!("{service:?}")
        };
        for scope in resource.scope_spans {
            spans.extend(scope.spans.into_iter().map(|span| (service.clone(), span)));
        }
    }
    (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
}

async fn features(State(engine): State<Engine>, headers: HeaderMap) -> &'static str {
    let told = headers.get("traceparent").map(|value| value.to_str().unwrap().to_owned());
    engine.0.lock().unwrap().push(told);
    "{}"
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A server in front of the engine, tracing to the collector.
async fn start(collector: &Collector, engine: &Engine, top: &str, per_million: u32) -> Program {
    let traces = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
    let traces = serve(traces).await;
    let engine = Router::new().route("/v1/discovery/features", get(features)).with_state(engine.clone());
    let engine = serve(engine).await;
    let sections = format!(
        "[telemetry]\notlp_endpoint = \"http://{traces}\"\nservice_name = \"voice\"\nsampled_per_million = {per_million}\n\
         [regions.eu1]\nbatch_upstream = \"http://{engine}\"\n"
    );
    Program::start(top, &sections).await
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let value = span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

/// The spans of the request with this id.
async fn spans_of(collector: &Collector, request_id: &str) -> Vec<Span> {
    testkit::eventually("the trace", || async {
        let spans = collector.0.lock().unwrap().clone();
        let is_it = |span: &&Span| attribute(span, "voxgate.request_id").as_deref() == Some(request_id);
        let request = spans.iter().map(|(_, span)| span).find(is_it)?.clone();
        let trace = spans.iter().map(|(_, span)| span).filter(|span| span.trace_id == request.trace_id);
        Some(trace.cloned().collect())
    })
    .await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A collector sees of a request how long deciding and the engine took, below the proxy's span if a trusted proxy began the
/// trace; the engine's own spans can hang below ours.
#[tokio::test]
async fn a_request_becomes_spans() {
    let (collector, engine) = (Collector::default(), Engine::default());
    let program = start(&collector, &engine, "trusted_proxies = [\"127.0.0.0/8\"]", 1_000_000).await;
    let parent = format!("00-{PROXY_TRACE}-{PROXY_SPAN}-01");
    let answer =
        program.get("/v1/discovery/features", &Caller::anon(), &[("traceparent", &parent)]).await.expect(200);
    let spans = spans_of(&collector, answer.header("request-id")).await;
    let named = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let (request, verify, upstream) = (named("voxgate features"), named("verify"), named("engine"));
    assert_eq!(hex(&request.trace_id), PROXY_TRACE);
    assert_eq!(hex(&request.parent_span_id), PROXY_SPAN);
    for step in [verify, upstream] {
        assert_eq!(step.parent_span_id, request.span_id);
        assert_eq!(step.trace_id, request.trace_id);
        assert!(step.start_time_unix_nano >= request.start_time_unix_nano);
        assert!(step.end_time_unix_nano <= request.end_time_unix_nano);
    }
    assert!(verify.end_time_unix_nano <= upstream.start_time_unix_nano);
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(attribute(request, "voxgate.region").as_deref(), Some("eu1"));
    let told = engine.0.lock().unwrap().clone();
    assert_eq!(told, [Some(format!("00-{PROXY_TRACE}-{}-01", hex(&upstream.span_id)))]);
    assert!(collector.0.lock().unwrap().iter().all(|(service, _)| service == "voice"));

    // A refusal is a trace too, with its reason, and without an engine.
    let answer = program.get("/v2/jobs", &Caller::api_key("canary"), &[]).await.expect(401);
    let spans = spans_of(&collector, answer.header("request-id")).await;
    assert_eq!(attribute(&spans[0], "voxgate.reason").as_deref(), Some("credential_unknown"));
    assert_eq!(
        spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["voxgate job_list", "verify"]
    );
    assert!(!format!("{spans:?}").contains("canary"));
    program.end().await;
}

/// What is under way when a server ends still reaches the collector.
#[tokio::test]
async fn the_last_traces_are_sent() {
    let (collector, engine) = (Collector::default(), Engine::default());
    let program = start(&collector, &engine, "", 1_000_000).await;
    for _ in 0..10 {
        program.get("/v2/jobs", &Caller::anon(), &[]).await.expect(401);
    }
    program.end().await;
    let refused =
        collector.0.lock().unwrap().iter().filter(|(_, span)| span.name == "voxgate job_list").count();
    assert_eq!(refused, 10);
}

/// A client can neither have its requests traced nor hang them into somebody's trace; nothing is traced that isn't sampled.
#[tokio::test]
async fn clients_choose_nothing() {
    let (collector, engine) = (Collector::default(), Engine::default());
    let program = start(&collector, &engine, "", 0).await;
    let parent = format!("00-{PROXY_TRACE}-{PROXY_SPAN}-01");
    program.get("/v1/discovery/features", &Caller::anon(), &[("traceparent", &parent)]).await.expect(200);
    assert_eq!(*engine.0.lock().unwrap(), [None]);
    program.end().await;
    assert!(collector.0.lock().unwrap().is_empty());
}

/// A collector that is away costs no request anything; what it missed is counted.
#[tokio::test]
async fn a_collector_that_is_away_holds_up_nobody() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let sections =
        format!("[telemetry]\notlp_endpoint = \"http://{nobody}\"\nsampled_per_million = 1000000\n");
    let program = Program::start("", &sections).await;
    program.get("/v2/jobs", &Caller::anon(), &[]).await.expect(401);
    program.line_with("the collector takes no traces").await;
    let metrics = program.admin().get("/metrics", &Caller::anon()).await.text();
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("voxgate_trace_spans_dropped_total "));
    assert_eq!(dropped, Some("2"));
    program.end().await;
}
