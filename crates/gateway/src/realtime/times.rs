//! How long things may take in a session.

use std::time::Duration;

/// A session, in seconds.
pub(crate) const SESSION_SECONDS_MAX: u64 = 48 * 3600;
/// A session without audio, in seconds.
pub(crate) const IDLE_AUDIO_SECONDS_MAX: u64 = 3600;
/// A session with neither audio nor ping nor pong of the client, in seconds.
pub(crate) const IDLE_SILENT_SECONDS_MAX: u64 = 180;
/// How long an in-band refusal waits for the client's first frame, in seconds.
pub(crate) const FIRST_FRAME_SECONDS_MAX: u64 = 2;
/// How long the other side may take to hang up after our close frame, in seconds; after that it is reset.
pub(crate) const LINGER_SECONDS_MAX: u64 = 5;
/// How long the engine may take to answer the client's close frame, in seconds.
pub(crate) const CLOSE_SECONDS_MAX: u64 = 10;
/// Connecting to an engine, in seconds.
pub(crate) const ENGINE_CONNECT_SECONDS_MAX: u64 = 5;
/// An engine's answer to the upgrade, in seconds.
pub(crate) const ENGINE_UPGRADE_SECONDS_MAX: u64 = 10;
/// How long hyper may take to hand over the client's connection after the `101`, in seconds.
pub(crate) const CLIENT_UPGRADE_SECONDS_MAX: u64 = 10;

/// The times of sessions, configurable as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// A session's length.
    pub session_max: Duration,
    /// A session without audio.
    pub idle_audio_max: Duration,
    /// A session with neither audio nor ping nor pong of the client.
    pub idle_silent_max: Duration,
    /// How long an in-band refusal waits for the client's first frame.
    pub first_frame_max: Duration,
    /// How long the other side may take to hang up after our close frame.
    pub linger_max: Duration,
    /// How long the engine may take to answer the client's close frame.
    pub close_max: Duration,
    /// Connecting to an engine.
    pub engine_connect_max: Duration,
    /// An engine's answer to the upgrade.
    pub engine_upgrade_max: Duration,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            session_max: Duration::from_secs(SESSION_SECONDS_MAX),
            idle_audio_max: Duration::from_secs(IDLE_AUDIO_SECONDS_MAX),
            idle_silent_max: Duration::from_secs(IDLE_SILENT_SECONDS_MAX),
            first_frame_max: Duration::from_secs(FIRST_FRAME_SECONDS_MAX),
            linger_max: Duration::from_secs(LINGER_SECONDS_MAX),
            close_max: Duration::from_secs(CLOSE_SECONDS_MAX),
            engine_connect_max: Duration::from_secs(ENGINE_CONNECT_SECONDS_MAX),
            engine_upgrade_max: Duration::from_secs(ENGINE_UPGRADE_SECONDS_MAX),
        }
    }
}
