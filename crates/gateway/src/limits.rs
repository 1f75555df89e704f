//! Limits of the wire. What is over one of them is refused, never cut.

use std::num::NonZeroUsize;

/// The head of a request: request line and all headers, in bytes.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header fields of one request.
pub const HEADERS_COUNT_MAX: usize = 100;
/// The target of a request, in bytes.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// The body of a create: 1 GiB of audio and room for the other parts, in bytes.
pub const BODY_BYTES_MAX: u64 = (1 << 30) + (1 << 20);
/// The body of a request for speech, in bytes.
pub const SPEECH_BODY_BYTES_MAX: u64 = 1 << 20;
/// One line of chunked framing, in bytes.
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// The trailers of a chunked body, in bytes.
pub const TRAILER_BYTES_MAX: usize = 8 * 1024;
/// How long a client may stop in the middle of a body, its own or an answer's, in seconds.
pub const STALL_SECONDS_MAX: u64 = 60;
/// Streams of one HTTP/2 connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 100;
/// A job's id, in bytes.
pub const JOB_ID_BYTES_MAX: usize = 64;
/// A voice's name, in bytes.
pub const VOICE_BYTES_MAX: usize = 64;
/// The head of an engine's answer, in bytes.
pub const ENGINE_HEAD_BYTES_MAX: usize = 32 * 1024;
/// Header fields of an engine's answer.
pub const ENGINE_HEADERS_COUNT_MAX: usize = 64;
/// An engine's answer that is read into memory: job objects, errors, in bytes.
pub const ENGINE_JSON_BYTES_MAX: usize = 1 << 20;
/// A transcript that is embedded into the answer to a create, in bytes.
pub const EMBEDDED_TRANSCRIPT_BYTES_MAX: usize = 16 << 20;
/// `wait`, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 60;
/// Jobs of a list that asks for no limit.
pub const LIST_JOBS_MAX: u64 = 10_000;
/// `limit` of a list.
pub const LIST_LIMIT_MAX: u64 = 100;
/// Jobs of a list that are taken from the ledger at once, while the client reads.
pub const LIST_ROWS_AT_ONCE_MAX: u64 = 32;
/// Engine look-ups for one list.
pub const LIST_LOOKUPS_MAX: usize = 100;
/// Engine look-ups at once for one list.
pub const LIST_LOOKUPS_AT_ONCE_MAX: usize = 8;
/// What is read and thrown away of a request that was answered early, in bytes.
pub const LINGER_BYTES_MAX: usize = 4 << 20;
/// How long that may take, in seconds.
pub const LINGER_SECONDS_MAX: u64 = 2;

/// Limits that depend on the machine, with defaults for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Client connections open at once.
    pub connections_max: usize,
    /// Client connections open at once from one address, or from one /64 of IPv6. Loopback and trusted proxies may have all.
    pub connections_per_peer_max: usize,
    /// TLS handshakes under way at once; others wait.
    pub handshakes_max: usize,
    /// How long a client may take from its connection to its first request: PROXY header and TLS, in seconds.
    pub handshake_seconds_max: u64,
    /// How long a client may take to send a head, in seconds.
    pub head_seconds_max: u64,
    /// How long a client's connection may be without a request, in seconds.
    pub idle_seconds_max: u64,
    /// How long a client may stop in the middle of a body, its own or an answer's, in seconds.
    pub stall_seconds_max: u64,
    /// Threads that serve connections.
    pub worker_threads: usize,
    /// Connections to one engine that are kept while idle.
    pub engine_idle_connections_max: usize,
    /// How long an idle connection to an engine is kept, in seconds.
    pub engine_idle_seconds_max: u64,
    /// How long connecting to an engine may take, in seconds.
    pub engine_connect_seconds_max: u64,
    /// How long an engine may take to begin its answer, in seconds.
    pub engine_answer_seconds_max: u64,
    /// How long an engine may stop in the middle of its answer while somebody waits for the rest, in seconds.
    pub engine_stall_seconds_max: u64,
    /// How long requests may go on after shutdown began, in seconds.
    pub drain_seconds_max: u64,
    /// How long the gateway goes on without hearing from the control plane, in seconds.
    pub staleness_seconds_max: u64,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            connections_per_peer_max: 500,
            handshakes_max: 1000,
            handshake_seconds_max: 10,
            head_seconds_max: 30,
            idle_seconds_max: 75,
            stall_seconds_max: STALL_SECONDS_MAX,
            worker_threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            engine_idle_connections_max: 256,
            engine_idle_seconds_max: 30,
            engine_connect_seconds_max: 5,
            engine_answer_seconds_max: 300,
            engine_stall_seconds_max: 60,
            drain_seconds_max: 20,
            staleness_seconds_max: 24 * 3600,
        }
    }
}
