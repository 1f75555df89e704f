//! How a session ends before its time.

/// The published types of errors, those that the sandbox uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    InvalidMessage,
    InvalidModel,
    InvalidLanguage,
    InvalidConfig,
    InvalidAudioType,
    ProtocolError,
    JobError,
    IdleTimeout,
}

impl ErrorKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ErrorKind::InvalidMessage => "invalid_message",
            ErrorKind::InvalidModel => "invalid_model",
            ErrorKind::InvalidLanguage => "invalid_language",
            ErrorKind::InvalidConfig => "invalid_config",
            ErrorKind::InvalidAudioType => "invalid_audio_type",
            ErrorKind::ProtocolError => "protocol_error",
            ErrorKind::JobError => "job_error",
            ErrorKind::IdleTimeout => "idle_timeout",
        }
    }

    /// The documented close code; the types that have none of their own share that of a protocol error.
    pub(crate) fn close_code(self) -> u16 {
        match self {
            ErrorKind::InvalidModel => 4004,
            ErrorKind::JobError => 4013,
            ErrorKind::IdleTimeout => 1008,
            _ => 1003,
        }
    }
}

/// An error that the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionError {
    pub(crate) kind: ErrorKind,
    pub(crate) reason: String,
}

impl SessionError {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> SessionError {
        SessionError { kind, reason: reason.into() }
    }
}

/// What clients are told at shutdown.
pub(crate) fn shutdown() -> SessionError {
    SessionError::new(ErrorKind::JobError, "the sandbox is shutting down")
}

/// Why a session stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The client is told why, then the connection is closed.
    Refused(SessionError),
    /// The client closed the connection, or it broke.
    Gone,
    /// The server ends.
    Shutdown,
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Stop {
        Stop::Refused(error)
    }
}
