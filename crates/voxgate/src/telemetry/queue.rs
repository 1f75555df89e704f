//! The queue between requests and the collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway::{Trace, TraceSink};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::spans;

/// Traces that wait for being sent. Those above are dropped.
const TRACES_WAITING_MAX: usize = 4096;
/// Traces of one batch.
const BATCH_TRACES_MAX: usize = 256;
/// How long a batch is gathered, in seconds.
const BATCH_SECONDS: u64 = 2;

/// How many spans were dropped, for whoever tells.
#[derive(Debug, Clone, Default)]
pub struct DroppedSpans(Arc<AtomicU64>);

impl DroppedSpans {
    /// How many.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, spans: usize) {
        self.0.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

/// Where the gateway puts traces.
#[derive(Debug)]
pub(super) struct Sink {
    traces: mpsc::Sender<Trace>,
    dropped: DroppedSpans,
}

/// The other end.
pub(super) struct Waiting {
    traces: mpsc::Receiver<Trace>,
    dropped: DroppedSpans,
}

pub(super) fn queue() -> (Sink, Waiting) {
    let (sender, traces) = mpsc::channel(TRACES_WAITING_MAX);
    let dropped = DroppedSpans::default();
    (Sink { traces: sender, dropped: dropped.clone() }, Waiting { traces, dropped })
}

impl Sink {
    pub(super) fn dropped(&self) -> DroppedSpans {
        self.dropped.clone()
    }
}

impl TraceSink for Sink {
    fn take(&self, trace: Trace) {
        let spans = spans::count(&trace);
        if self.traces.try_send(trace).is_err() {
            self.dropped.add(spans);
        }
    }
}

impl Waiting {
    /// Sends batches until `stop`, and then what is left.
    pub(super) async fn send(mut self, exporter: impl SpanExporter, stop: CancellationToken) {
        let mut is_reached = true;
        let mut is_last = false;
        while !is_last {
            let mut traces = Vec::new();
            // Nothing is sent while there is nothing to send; a batch is gathered from its first trace on.
            tokio::select! {
                count = self.traces.recv_many(&mut traces, BATCH_TRACES_MAX) => is_last = count == 0,
                () = stop.cancelled() => is_last = true,
            }
            if !is_last && traces.len() < BATCH_TRACES_MAX {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(BATCH_SECONDS)) => {}
                    () = stop.cancelled() => is_last = true,
                }
            }
            loop {
                while traces.len() < BATCH_TRACES_MAX
                    && let Ok(trace) = self.traces.try_recv()
                {
                    traces.push(trace);
                }
                if traces.is_empty() {
                    break;
                }
                let batch: Vec<SpanData> = traces.drain(..).flat_map(|trace| spans::of(&trace)).collect();
                self.export(&exporter, batch, &mut is_reached).await;
                if !is_last {
                    break;
                }
            }
        }
    }

    async fn export(&self, exporter: &impl SpanExporter, batch: Vec<SpanData>, is_reached: &mut bool) {
        let spans = batch.len();
        match exporter.export(batch).await {
            Ok(()) => {
                if !std::mem::replace(is_reached, true) {
                    tracing::info!("the collector takes traces again");
                }
            }
            Err(error) => {
                self.dropped.add(spans);
                // Told once, not with every batch.
                if std::mem::replace(is_reached, false) {
                    tracing::warn!(%error, "the collector takes no traces; they are dropped until it does");
                }
            }
        }
    }
}
