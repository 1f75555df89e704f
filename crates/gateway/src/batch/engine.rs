//! Engines' answers: read into memory with a bound, and translated where they would leak or where clients would stumble.

use bytes::{Bytes, BytesMut};
use domain::{Reason, Refusal, RequestId};
use http::header::RETRY_AFTER;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::{ENGINE_AGAIN_SECONDS, job_expired, job_not_found};
use crate::limits::ENGINE_JSON_BYTES_MAX;
use crate::upstream::{EngineBody, SHOWN};
use crate::{Body, BodyError, answer};

/// The published values of `error`. Clients stumble over others.
const PUBLISHED: &[&str] = &[
    "Bad Request",
    "File Expired",
    "Forbidden",
    "Resource Locked",
    "Format Not Supported",
    "Internal Server Error",
    "Job error",
    "Job Expired",
    "Job In Progress",
    "Job is not of type transcription",
    "Job not found",
    "Job rejected",
    "Job rejected due to invalid audio",
    "Job rejected due to invalid text",
    "Malformed request",
    "Missing callback",
    "Missing data_file",
    "No language selected",
    "Not Implemented",
    "Permission Denied",
    "Requested product not available",
    "Transcription not ready",
    "Log file not available",
    "Unprocessable Entity",
    "Max concurrent running jobs exceeded",
];

/// The longest detail of an engine's that is passed on, in bytes.
const DETAIL_BYTES_MAX: usize = 500;

/// Reads a whole answer, up to a limit.
///
/// # Errors
/// When it is longer, breaks off, or stops for too long.
pub(super) async fn read_all(mut body: EngineBody, bytes_max: usize) -> Result<Bytes, BodyError> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        if length > bytes_max {
            return Err(BodyError::TooLarge { limit_bytes: bytes_max as u64 });
        }
        match first.take() {
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(begin) => {
                all.extend_from_slice(&begin);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

/// Passes an answer on as it comes, without the headers that are the engine's own business.
pub(super) fn pass_on(response: Response<EngineBody>, request_id: RequestId) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let mut passed = Response::new(Body::Engine(body));
    *passed.status_mut() = parts.status;
    *passed.headers_mut() = shown(parts.headers);
    answer::stamp(passed.headers_mut(), request_id);
    passed
}

/// The headers that clients get to see. Of repeated ones only the first: each of them may stand once.
fn shown(headers: HeaderMap) -> HeaderMap {
    let once = headers.len() == headers.keys_len();
    if once && headers.keys().all(|name| SHOWN.contains(name)) {
        return headers;
    }
    let mut shown = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        // Repeated ones come without their name.
        if let Some(name) = name.filter(|name| SHOWN.contains(name)) {
            shown.insert(name, value);
        }
    }
    shown
}

/// An engine's refusal as the client sees it: the engine's words where they are of the published form and about the request,
/// ours where they would tell of its inside.
pub(super) async fn refused(
    call: &Call<'_>,
    response: Response<EngineBody>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = response.into_parts();
    let bytes = read_all(body, ENGINE_JSON_BYTES_MAX).await.unwrap_or_default();
    translate(call, &parts, &bytes)
}

/// [`refused`], for an answer that was read before.
pub(super) fn translate(call: &Call<'_>, parts: &Parts, bytes: &[u8]) -> Result<Response<Body>, Refusal> {
    let status = parts.status;
    if status.is_server_error() || matches!(status.as_u16(), 401 | 403 | 407) || !status.is_client_error() {
        tracing::warn!(
            request_id = %call.request_id,
            region = %call.site.config.region,
            status = status.as_u16(),
            "the engine failed, or refused the gateway itself"
        );
        return Err(engine_failure(call, status, &parts.headers));
    }
    let said = serde_json::from_slice::<EngineError>(bytes).unwrap_or_default();
    let published = said.error.filter(|error| PUBLISHED.contains(&error.as_str()));
    let detail = said.detail.as_str().filter(|text| text.len() <= DETAIL_BYTES_MAX);
    if published.is_none() {
        match status.as_u16() {
            404 => return Err(job_not_found()),
            410 => return Err(job_expired()),
            _ => {}
        }
    }
    let error = published.as_deref().unwrap_or_else(|| published_for(status));
    let reason = reason_for(error).as_str();
    let body = RefusalOfEngine { code: status.as_u16(), error, message: detail, detail, reason };
    let mut response = answer::json(status, &body, call.request_id);
    let busy = (status == StatusCode::TOO_MANY_REQUESTS).then(|| HeaderValue::from(ENGINE_AGAIN_SECONDS));
    if let Some(after) = parts.headers.get(RETRY_AFTER).cloned().or(busy) {
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    Ok(response)
}

/// What engines write in their refusals.
#[derive(Deserialize, Default)]
struct EngineError {
    error: Option<String>,
    #[serde(default)]
    detail: serde_json::Value,
}

#[derive(Serialize)]
struct RefusalOfEngine<'a> {
    code: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    reason: &'a str,
}

fn published_for(status: StatusCode) -> &'static str {
    match status.as_u16() {
        413 | 415 => "Malformed request",
        422 => "Unprocessable Entity",
        423 => "Resource Locked",
        429 => "Max concurrent running jobs exceeded",
        _ => "Bad Request",
    }
}

/// The stable code that says the same as a published `error`.
fn reason_for(error: &str) -> Reason {
    match error {
        "Job not found" => Reason::JobNotFound,
        "Job Expired" | "File Expired" => Reason::JobExpired,
        "Resource Locked" => Reason::JobRunning,
        "Unprocessable Entity" => Reason::InvalidValue,
        "Max concurrent running jobs exceeded" => Reason::RateLimited,
        _ => Reason::EngineRefused,
    }
}

fn engine_failure(call: &Call<'_>, status: StatusCode, headers: &HeaderMap) -> Refusal {
    match status.as_u16() {
        501 => Refusal::new(Reason::NotImplemented, "The engine of this region can't do this."),
        503 => {
            let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Refusal::new(Reason::EngineDown, "The engine is busy. Try again soon.")
                .retry_after(after.unwrap_or(ENGINE_AGAIN_SECONDS))
        }
        500 => Refusal::new(Reason::Internal, "The engine failed on this request."),
        _ => call.engine_down(),
    }
}
