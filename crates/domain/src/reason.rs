//! Every refusal's stable code, and what it looks like on each surface: the answers table of the project.

use std::borrow::Cow;
use std::fmt;

use crate::named_enum;

named_enum! {
    /// Why something was refused. Each has a page under `docs/errors/`.
    Reason {
        /// No credential was sent.
        CredentialMissing = "credential_missing",
        /// Malformed, mistyped or unknown.
        CredentialUnknown = "credential_unknown",
        /// A token that this instance didn't sign, or not as a temporary key.
        TokenInvalid = "token_invalid",
        /// Its time is over.
        CredentialExpired = "credential_expired",
        /// Its time has not begun.
        CredentialEarly = "credential_early",
        /// It, or something that it was born of, was revoked.
        CredentialRevoked = "credential_revoked",
        /// More than one credential was sent.
        CredentialAmbiguous = "credential_ambiguous",
        /// A long-lived key was put into a URL.
        ApiKeyInUrl = "api_key_in_url",
        /// Only an API key mints.
        CannotMint = "cannot_mint",
        /// The client_ref that a temporary key was asked for is shut out.
        ClientRefRevoked = "client_ref_revoked",
        /// The credential is for another product.
        WrongProduct = "wrong_product",
        /// The credential is for another area.
        WrongArea = "wrong_area",
        /// The region needs an enterprise plan.
        PlanRequired = "plan_required",
        /// The caller's network is not among the allowed ones.
        NetworkDenied = "network_denied",
        /// The page's origin is not among the allowed ones.
        OriginDenied = "origin_denied",
        /// The management token lacks a permission.
        PermissionMissing = "permission_missing",
        /// As many API keys or projects as there may be.
        QuotaReached = "quota_reached",
        /// A workspace keeps its default project.
        DefaultProject = "default_project",
        /// A workspace keeps one admin at least.
        LastAdmin = "last_admin",
        /// There is one already.
        AlreadyExists = "already_exists",
        /// Usage is for credentials of the whole project.
        UsageNeedsProject = "usage_needs_project",
        /// No such job for this caller.
        JobNotFound = "job_not_found",
        /// The job is too old.
        JobExpired = "job_expired",
        /// The job runs, and was not to be deleted by force.
        JobRunning = "job_running",
        /// Too many sessions at once.
        SessionsFull = "sessions_full",
        /// The temporary key's starts are used up.
        UsesSpent = "uses_spent",
        /// The session lasted as long as it may.
        SessionOver = "session_over",
        /// The audio allowance is used up.
        AudioSpent = "audio_spent",
        /// `StartRecognition` differs from what the key allows.
        LockBroken = "lock_broken",
        /// An operator ended the session.
        SessionEnded = "session_ended",
        /// Too fast.
        RateLimited = "rate_limited",
        /// A value is out of range or of the wrong form.
        InvalidValue = "invalid_value",
        /// A body, header, URL or frame is over its limit.
        TooLarge = "too_large",
        /// The engine doesn't answer.
        EngineDown = "engine_down",
        /// The engine refused the request, for a reason of its own.
        EngineRefused = "engine_refused",
        /// The gateway has not heard from the control plane for too long.
        Stale = "stale",
        /// The database can't be written to now.
        StorageDown = "storage_down",
        /// No such thing for this caller.
        NotFound = "not_found",
        /// A request that can't be read.
        MalformedRequest = "malformed_request",
        /// The path exists, the method doesn't.
        MethodNotAllowed = "method_not_allowed",
        /// The engine can't do this.
        NotImplemented = "not_implemented",
        /// Something here failed.
        Internal = "internal",
    }
}

named_enum! {
    /// The `type` of a realtime `Error` message; the published enum, of which clients know no other values.
    RealtimeError {
        /// The credential is not good for this.
        NotAuthorised = "not_authorised",
        /// The credential is good, but not for this.
        NotAllowed = "not_allowed",
        /// Too many sessions.
        QuotaExceeded = "quota_exceeded",
        /// Too much audio.
        TimelimitExceeded = "timelimit_exceeded",
        /// Nothing happened for too long.
        IdleTimeout = "idle_timeout",
        /// The session lasted too long.
        SessionTimeout = "session_timeout",
        /// The engine failed.
        JobError = "job_error",
        /// The frames make no sense.
        ProtocolError = "protocol_error",
        /// Something else.
        UnknownError = "unknown_error",
    }
}

impl Reason {
    /// The HTTP status, on every surface that answers by HTTP.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::CredentialMissing
            | Self::CredentialUnknown
            | Self::TokenInvalid
            | Self::CredentialExpired
            | Self::CredentialEarly
            | Self::CredentialRevoked
            | Self::ApiKeyInUrl => 401,
            Self::CredentialAmbiguous | Self::MalformedRequest | Self::EngineRefused => 400,
            Self::CannotMint
            | Self::ClientRefRevoked
            | Self::WrongProduct
            | Self::WrongArea
            | Self::PlanRequired
            | Self::NetworkDenied
            | Self::OriginDenied
            | Self::PermissionMissing
            | Self::QuotaReached
            | Self::DefaultProject
            | Self::LastAdmin
            | Self::UsageNeedsProject
            | Self::AudioSpent
            | Self::SessionsFull
            | Self::UsesSpent
            | Self::SessionOver
            | Self::LockBroken
            | Self::SessionEnded => 403,
            Self::JobNotFound | Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::AlreadyExists => 409,
            Self::JobExpired => 410,
            Self::TooLarge => 413,
            Self::InvalidValue => 422,
            Self::JobRunning => 423,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::NotImplemented => 501,
            Self::EngineDown | Self::Stale | Self::StorageDown => 503,
        }
    }

    /// The `error` on the Jobs API: a value of the published enum, since clients abort on others.
    pub const fn jobs_error(self) -> &'static str {
        match self {
            Self::CredentialMissing
            | Self::CredentialUnknown
            | Self::TokenInvalid
            | Self::CredentialExpired
            | Self::CredentialEarly
            | Self::CredentialRevoked
            | Self::ApiKeyInUrl => "Permission Denied",
            Self::CredentialAmbiguous | Self::MalformedRequest | Self::TooLarge => "Malformed request",
            Self::CannotMint
            | Self::ClientRefRevoked
            | Self::WrongProduct
            | Self::WrongArea
            | Self::PlanRequired
            | Self::NetworkDenied
            | Self::OriginDenied
            | Self::PermissionMissing
            | Self::QuotaReached
            | Self::DefaultProject
            | Self::LastAdmin
            | Self::UsageNeedsProject
            | Self::AudioSpent
            | Self::SessionsFull
            | Self::UsesSpent
            | Self::SessionOver
            | Self::LockBroken
            | Self::SessionEnded => "Forbidden",
            Self::JobNotFound => "Job not found",
            Self::NotFound | Self::MethodNotAllowed | Self::AlreadyExists | Self::EngineRefused => {
                "Bad Request"
            }
            Self::JobExpired => "Job Expired",
            Self::JobRunning => "Resource Locked",
            Self::InvalidValue => "Unprocessable Entity",
            Self::RateLimited => "Max concurrent running jobs exceeded",
            Self::NotImplemented => "Not Implemented",
            Self::EngineDown | Self::Stale | Self::StorageDown | Self::Internal => "Internal Server Error",
        }
    }

    /// The `error` on the management API: the status in words.
    pub const fn status_text(self) -> &'static str {
        match self.http_status() {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            409 => "Conflict",
            410 => "Gone",
            413 => "Payload Too Large",
            422 => "Unprocessable Entity",
            423 => "Locked",
            429 => "Too Many Requests",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }

    /// The `type` of the in-band `Error` message and the close code that follows it (design 7).
    pub const fn realtime(self) -> (RealtimeError, u16) {
        match self {
            Self::CredentialMissing
            | Self::CredentialUnknown
            | Self::TokenInvalid
            | Self::CredentialExpired
            | Self::CredentialEarly
            | Self::CredentialRevoked
            | Self::CredentialAmbiguous
            | Self::ApiKeyInUrl
            | Self::CannotMint
            | Self::ClientRefRevoked
            | Self::WrongProduct => (RealtimeError::NotAuthorised, 4001),
            Self::WrongArea
            | Self::PlanRequired
            | Self::NetworkDenied
            | Self::OriginDenied
            | Self::PermissionMissing
            | Self::QuotaReached
            | Self::DefaultProject
            | Self::LastAdmin
            | Self::UsageNeedsProject
            | Self::LockBroken
            | Self::SessionEnded => (RealtimeError::NotAllowed, 4003),
            Self::SessionsFull | Self::UsesSpent | Self::RateLimited => (RealtimeError::QuotaExceeded, 4005),
            Self::AudioSpent => (RealtimeError::TimelimitExceeded, 4006),
            Self::SessionOver => (RealtimeError::SessionTimeout, 1008),
            Self::TooLarge => (RealtimeError::ProtocolError, 1009),
            Self::InvalidValue | Self::MalformedRequest | Self::MethodNotAllowed => {
                (RealtimeError::ProtocolError, 1003)
            }
            Self::EngineDown | Self::Stale | Self::StorageDown | Self::NotImplemented => {
                (RealtimeError::JobError, 1011)
            }
            Self::Internal
            | Self::NotFound
            | Self::JobNotFound
            | Self::JobExpired
            | Self::JobRunning
            | Self::EngineRefused
            | Self::AlreadyExists => (RealtimeError::UnknownError, 1011),
        }
    }
}

/// A refusal: a stable code, and a sentence that is safe to show to whoever was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub reason: Reason,
    /// What was expected and what to do. Holds no secret and nothing that the caller couldn't know.
    pub detail: Cow<'static, str>,
    /// Seconds after which to try again, for refusals that pass.
    pub retry_after_seconds: Option<u32>,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), retry_after_seconds: None }
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Refusal {}
