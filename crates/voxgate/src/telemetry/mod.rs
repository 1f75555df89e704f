//! Traces of requests, sent to a collector by OTLP over HTTP. Off unless an endpoint is configured.
//!
//! The gateway hands over what it knows of a request (`gateway::Trace`); here it becomes spans, waits in a bounded queue, and
//! is sent in batches. Nobody waits for that: what comes faster than it can be sent is dropped and counted.

mod client;
mod queue;
mod spans;

use std::time::Duration;

use gateway::Tracing;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use queue::DroppedSpans;

/// Where a collector takes traces, below its endpoint.
const TRACES_PATH: &str = "/v1/traces";
/// How long one batch may take, in seconds.
const SEND_SECONDS_MAX: u64 = 10;
/// How long sending what is left may take at the end, in seconds.
const FINISH_SECONDS_MAX: u64 = 5;

/// What is traced, and where traces go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// The collector; without one nothing is traced.
    pub otlp_endpoint: Option<String>,
    /// What this instance is called in traces.
    pub service_name: String,
    /// How many of a million requests are traced.
    pub sampled_per_million: u32,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { otlp_endpoint: None, service_name: "voxgate".to_owned(), sampled_per_million: 10_000 }
    }
}

/// Why traces can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The endpoint is none.
    #[error("telemetry.otlp_endpoint: {0}. Expected a URL as in http://127.0.0.1:4318")]
    Endpoint(#[source] opentelemetry_otlp::ExporterBuildError),
    /// There is no HTTP client.
    #[error("traces can't be sent")]
    Client(#[from] crate::remote::HttpError),
}

/// Traces on their way to a collector.
#[derive(Debug)]
pub struct Telemetry {
    tracing: Tracing,
    dropped: DroppedSpans,
    stop: CancellationToken,
    sender: JoinHandle<()>,
}

/// Starts sending, if there is somewhere to send to.
///
/// # Errors
/// When the endpoint can't be used.
pub fn start(settings: &TelemetrySettings) -> Result<Option<Telemetry>, TelemetryError> {
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
    let endpoint = endpoint.trim_end_matches('/');
    let endpoint = match endpoint.strip_suffix(TRACES_PATH) {
        Some(_) => endpoint.to_owned(),
        None => format!("{endpoint}{TRACES_PATH}"),
    };
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client::OtlpClient::new()?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(Duration::from_secs(SEND_SECONDS_MAX))
        .build()
        .map_err(TelemetryError::Endpoint)?;
    let service = Resource::builder_empty()
        .with_service_name(settings.service_name.clone())
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    exporter.set_resource(&service);
    let (sink, waiting) = queue::queue();
    let dropped = sink.dropped();
    let stop = CancellationToken::new();
    let sender = tokio::spawn(waiting.send(exporter, stop.clone()));
    let sampled_per_million = settings.sampled_per_million;
    let tracing = Tracing { sink: std::sync::Arc::new(sink), sampled_per_million };
    Ok(Some(Telemetry { tracing, dropped, stop, sender }))
}

impl Telemetry {
    /// What the gateway is told.
    pub fn tracing(&self) -> Tracing {
        self.tracing.clone()
    }

    /// How many spans were dropped.
    pub fn dropped_spans(&self) -> DroppedSpans {
        self.dropped.clone()
    }

    /// Sends what is left, for a bounded time.
    pub async fn finish(self) {
        self.stop.cancel();
        let limit = Duration::from_secs(FINISH_SECONDS_MAX);
        if tokio::time::timeout(limit, self.sender).await.is_err() {
            tracing::warn!("the last traces could not be sent in time");
        }
    }
}
