//! Answers.

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use tokio_util::io::ReaderStream;

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Read at once from a file that is sent.
const FILE_BLOCK_BYTES: usize = 64 << 10;

const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// The published names of errors, those that the sandbox uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorName {
    BadRequest,
    FormatNotSupported,
    InternalServerError,
    JobNotFound,
    JobRejected,
    LogFileNotAvailable,
    MalformedRequest,
    MaxConcurrentRunningJobsExceeded,
    MissingDataFile,
    NoLanguageSelected,
    ResourceLocked,
    TranscriptionNotReady,
    UnprocessableEntity,
}

impl ErrorName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ErrorName::BadRequest => "Bad Request",
            ErrorName::FormatNotSupported => "Format Not Supported",
            ErrorName::InternalServerError => "Internal Server Error",
            ErrorName::JobNotFound => "Job not found",
            ErrorName::JobRejected => "Job rejected",
            ErrorName::LogFileNotAvailable => "Log file not available",
            ErrorName::MalformedRequest => "Malformed request",
            ErrorName::MaxConcurrentRunningJobsExceeded => "Max concurrent running jobs exceeded",
            ErrorName::MissingDataFile => "Missing data_file",
            ErrorName::NoLanguageSelected => "No language selected",
            ErrorName::ResourceLocked => "Resource Locked",
            ErrorName::TranscriptionNotReady => "Transcription not ready",
            ErrorName::UnprocessableEntity => "Unprocessable Entity",
        }
    }
}

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) error: ErrorName,
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, error: ErrorName, detail: impl Into<String>) -> Refusal {
        Refusal { status, error, detail: detail.into() }
    }

    pub(crate) fn job_not_found() -> Refusal {
        Refusal::new(404, ErrorName::JobNotFound, "")
    }

    /// What broke goes to the log, not to the client.
    pub(crate) fn internal(error: &io::Error) -> Refusal {
        tracing::error!(%error, "a request failed");
        Refusal::new(500, ErrorName::InternalServerError, "")
    }

    pub(crate) fn reply(&self) -> Response<Body> {
        let mut body = json!({ "code": self.status, "error": self.error.as_str() });
        if !self.detail.is_empty() {
            body["detail"] = json!(self.detail);
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json(status, &body)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::internal(&error)
    }
}

/// JSON.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    text(status, "application/json", body.to_string())
}

/// Text of some type.
pub(crate) fn text(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    finish(status, HeaderValue::from_static(content_type), body)
}

/// Nothing but a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A file, streamed. `None` where there is none.
pub(crate) async fn file(path: &Path, content_type: &'static str) -> io::Result<Option<Response<Body>>> {
    let file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata().await?.len();
    let stream = ReaderStream::with_capacity(file, FILE_BLOCK_BYTES).map_ok(Frame::data);
    let mut response = finish(
        StatusCode::OK,
        HeaderValue::from_static(content_type),
        StreamBody::new(stream).boxed_unsync(),
    );
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(Some(response))
}

fn finish(status: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    // What users uploaded is never to be taken for a page.
    response.headers_mut().insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    response
}
