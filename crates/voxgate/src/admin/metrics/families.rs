//! All metrics that there are.

/// How a metric moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises.
    Counter,
    /// It rises and falls.
    Gauge,
    /// It counts in classes.
    Histogram,
}

impl Kind {
    /// Prometheus' word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident = $name:literal $kind:ident $labels:expr, $help:literal;)+) => {
        $(pub(super) const $constant: &Family =
            &Family { name: $name, kind: Kind::$kind, labels: &$labels, help: $help };)+

        /// All metrics, in the order in which they are shown.
        pub const FAMILIES: &[&Family] = &[$($constant),+];
    };
}

families! {
    BUILD_INFO = "voxgate_build_info" Gauge ["version"], "Always 1; the version of this program.";
    DRAINING = "voxgate_draining" Gauge [], "1 once the instance ends and takes no new connections.";

    REQUESTS = "voxgate_requests_total" Counter ["region", "product", "route", "status"],
        "Requests that were answered, by the class of their status. A realtime session's request counts as 1xx.";
    REFUSALS = "voxgate_refusals_total" Counter ["region", "reason"],
        "Requests that were refused, by the stable code that docs/errors explains.";
    REQUEST_SECONDS = "voxgate_request_seconds" Histogram ["route"], "Time from a request's head to the head of its answer.";
    CONNECTIONS = "voxgate_client_connections_total" Counter [], "Connections of clients that were accepted.";
    CONNECTIONS_OPEN = "voxgate_client_connections_open" Gauge [],
        "Connections of clients that are open, without those that have become realtime sessions.";
    RECEIVED_BYTES = "voxgate_client_received_bytes_total" Counter [], "Bytes from clients, after TLS.";
    SENT_BYTES = "voxgate_client_sent_bytes_total" Counter [], "Bytes to clients, before TLS.";

    SESSIONS = "voxgate_sessions_total" Counter ["region", "product"], "Realtime sessions that were opened.";
    SESSIONS_OPEN = "voxgate_sessions_open" Gauge ["region", "product"], "Realtime sessions that are open.";
    SESSION_SECONDS = "voxgate_session_seconds" Histogram [], "How long realtime sessions lasted.";

    ENGINE_UP = "voxgate_engine_up" Gauge ["region"], "Whether the region's Jobs API engine answered when it was last asked.";
    ENGINE_FAULTS = "voxgate_engine_faults_total" Counter ["region", "kind"], "Requests that an engine gave no answer to, or no whole one.";

    API_KEYS = "voxgate_api_keys" Gauge [], "API keys that the gateway knows, revoked ones among them.";
    TOKEN_CACHE_ENTRIES = "voxgate_token_cache_entries" Gauge [], "Temporary keys whose signature is remembered.";
    SIGNATURES = "voxgate_token_signatures_verified_total" Counter [],
        "Signatures of temporary keys that had to be verified. Beside the requests it shows how often they were remembered.";

    FEED_REVISION = "voxgate_feed_revision" Gauge [], "The newest revision of the control plane.";
    FEED_ENFORCED = "voxgate_feed_enforced_revision" Gauge ["gateway"], "The newest revision that a gateway enforces.";
    FEED_LAG = "voxgate_feed_lag_revisions" Gauge ["gateway"], "Revisions that a gateway doesn't enforce yet.";
    FEED_UNHEARD = "voxgate_feed_unheard_seconds" Gauge ["gateway"],
        "Time since the control plane last heard of a gateway. It should stay below some heartbeats.";
    FEED_STALE = "voxgate_feed_stale" Gauge [], "1 while this gateway refuses everybody, because it has heard nothing for too long.";
    FEED_SKIPPED = "voxgate_feed_skipped_changes_total" Counter [], "Changes that this gateway could not apply.";

    LEDGER_INTENTS = "voxgate_ledger_open_intents" Gauge ["region"], "Jobs that are being made, or whose making was interrupted.";
    LAST_USED_WAITING = "voxgate_last_used_waiting" Gauge [], "Keys whose last use waits for being written.";
    AUDIT_EVENTS = "voxgate_audit_events_total" Counter [], "Changes that were written into the audit log since the start.";
    WRITES_WAITING = "voxgate_database_writes_waiting" Gauge ["database"],
        "Writers that wait for their turn or write right now; a database has one writer.";
    WRITE_SECONDS = "voxgate_database_write_seconds" Histogram ["database"],
        "Time from asking for the writer's turn to the end of the commit.";

    LOG_DROPPED = "voxgate_log_lines_dropped_total" Counter [], "Log lines that came faster than they could be written.";
    TRACES_DROPPED = "voxgate_trace_spans_dropped_total" Counter [], "Spans that came faster than they could be sent.";
    CERTIFICATE_END = "voxgate_certificate_end_timestamp_seconds" Gauge ["file"], "When a certificate ends.";

    PROCESS_CPU = "process_cpu_seconds_total" Counter [], "Processor time that was used.";
    PROCESS_START = "process_start_time_seconds" Gauge [], "When the process started, since the epoch.";
    PROCESS_RESIDENT = "process_resident_memory_bytes" Gauge [], "Memory in use.";
    PROCESS_VIRTUAL = "process_virtual_memory_bytes" Gauge [], "Address space in use.";
    PROCESS_THREADS = "process_threads" Gauge [], "Threads.";
    PROCESS_FDS = "process_open_fds" Gauge [], "Open file descriptors.";
    PROCESS_FDS_MAX = "process_max_fds" Gauge [], "File descriptors that may be open.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Names follow Prometheus' conventions, so that its tools understand them: units are base units, counters end with
    /// _total, nothing else does.
    #[test]
    fn names_follow_the_conventions() {
        let mut seen = HashSet::new();
        for family in FAMILIES {
            let name = family.name;
            assert!(seen.insert(name), "{name} is there twice");
            assert!(name.starts_with("voxgate_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert!(!["_millis", "_micros", "_ms", "_kb"].iter().any(|unit| name.contains(unit)), "{name}");
            assert_eq!(
                family.kind == Kind::Histogram,
                name.ends_with("_seconds") && family.kind == Kind::Histogram
            );
            assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{name}");
        }
    }
}
