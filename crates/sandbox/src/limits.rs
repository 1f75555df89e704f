//! Every limit of the sandbox, with its unit in its name.

/// Largest upload or fetched file: 1 GiB, so that the documented 1 GB passes.
pub(crate) const UPLOAD_BYTES_MAX: u64 = 1 << 30;
/// Largest `config` part of a job.
pub(crate) const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Longest file name that is remembered for a job.
pub(crate) const DATA_NAME_BYTES_MAX: usize = 255;
/// Jobs that may wait for a worker; one more is answered 429.
pub(crate) const QUEUE_JOBS_MAX: usize = 20_000;
/// Jobs that are worked on at once.
pub(crate) const WORKERS_MAX: usize = 2;
/// Largest page of `GET /v2/jobs`.
pub(crate) const LIST_JOBS_MAX: i64 = 100;

/// Time that a fetch of `fetch_data.url` may take.
pub(crate) const FETCH_SECONDS_MAX: u64 = 600;
/// Redirects that a fetch follows.
pub(crate) const FETCH_REDIRECTS_MAX: usize = 5;
/// Headers in `auth_headers`.
pub(crate) const FETCH_HEADERS_MAX: usize = 16;

/// Time that one call of the recogniser may take.
pub(crate) const RECOGNIZER_SECONDS_MAX: u64 = 300;
/// Text that the recogniser may print.
pub(crate) const RECOGNIZER_TEXT_BYTES_MAX: usize = 1 << 20;
/// The end of the recogniser's error output that goes into a job's log.
pub(crate) const RECOGNIZER_COMPLAINT_BYTES_MAX: usize = 4 << 10;

/// Channels of a WAV file.
pub(crate) const CHANNELS_MAX: u16 = 32;
/// Lowest sample rate.
pub(crate) const SAMPLE_RATE_HZ_MIN: u32 = 4_000;
/// Highest sample rate.
pub(crate) const SAMPLE_RATE_HZ_MAX: u32 = 192_000;
/// Largest `fmt ` chunk of a WAV file.
pub(crate) const WAV_FORMAT_BYTES_MAX: u32 = 4 << 10;
/// What may stand before the audio in a WAV file (cue sheets, pictures).
pub(crate) const WAV_PREAMBLE_BYTES_MAX: u64 = 16 << 20;

/// Connections open at once; further ones wait in the listen queue.
pub(crate) const CONNECTIONS_MAX: usize = 16_384;
/// Time that a request's head may take, idle time on a kept connection included.
pub(crate) const HEAD_SECONDS_MAX: u64 = 300;
/// Time without a byte of a request's body.
pub(crate) const BODY_IDLE_SECONDS_MAX: u64 = 120;
/// Time that open requests and sessions get at shutdown.
pub(crate) const SHUTDOWN_SECONDS_MAX: u64 = 5;

/// Largest message of a realtime client.
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Audio that is worked on between two looks at the connection.
pub(crate) const AUDIO_SLICE_BYTES_MAX: usize = 32 << 10;
/// Longest segment that a recogniser gets in realtime; also what bounds a session's audio buffer.
pub(crate) const SEGMENT_SECONDS_MAX: u64 = 20;
/// Answers of a session that may wait for the recogniser before no more audio is read.
pub(crate) const OUTBOX_ITEMS_MAX: usize = 4;
/// Channels of a multi-channel session.
pub(crate) const SESSION_CHANNELS_MAX: usize = 8;
/// Time without any frame before a session ends.
pub(crate) const SESSION_IDLE_SECONDS_MAX: u64 = 3_600;
/// Time that a client may take to read what was sent.
pub(crate) const WRITE_SECONDS_MAX: u64 = 30;
/// Longest audio that is handed to a recogniser as one file.
pub(crate) const RECOGNIZER_AUDIO_SECONDS_MAX: u64 = 6 * 3_600;
