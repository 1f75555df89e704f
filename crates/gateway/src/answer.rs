//! Answers that the gateway itself gives: flat JSON bodies, and the headers that every answer carries.

use bytes::Bytes;
use domain::{Reason, Refusal, RequestId};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use crate::Body;

/// What a browser may do with an answer that somebody opens in it: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'";
/// Headers that an answer of ours usually has.
const HEADERS_USUAL: usize = 8;

/// The header that names a request in every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The JSON of a refusal.
#[derive(Serialize)]
struct RefusalJson<'a> {
    code: u16,
    error: &'a str,
    message: &'a str,
    detail: &'a str,
    reason: &'a str,
}

/// A refusal on the Jobs API and at the HTTP stage of realtime.
pub fn jobs(refusal: &Refusal, request_id: RequestId) -> Response<Body> {
    let status =
        StatusCode::from_u16(refusal.reason.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    jobs_with_status(status, refusal, request_id)
}

/// A refusal whose status is narrower than its reason's: 414 and 431 for `too_large`.
pub fn jobs_with_status(status: StatusCode, refusal: &Refusal, request_id: RequestId) -> Response<Body> {
    let body = RefusalJson {
        code: status.as_u16(),
        error: refusal.reason.jobs_error(),
        message: &refusal.detail,
        detail: &refusal.detail,
        reason: refusal.reason.as_str(),
    };
    let mut response = json(status, &body, request_id);
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = refusal.retry_after_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A refusal of a method, with the methods that there are.
pub fn method_not_allowed(allow: &'static str, request_id: RequestId) -> Response<Body> {
    let refusal =
        Refusal::new(Reason::MethodNotAllowed, format!("This path takes {allow} and nothing else."));
    let mut response = jobs(&refusal, request_id);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// A JSON answer.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T, request_id: RequestId) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => json_bytes(status, bytes.into(), request_id),
        Err(_) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            stamp(response.headers_mut(), request_id);
            response
        }
    }
}

/// A JSON answer from bytes that are JSON already.
pub fn json_bytes(status: StatusCode, bytes: Bytes, request_id: RequestId) -> Response<Body> {
    json_body(status, Body::Full(bytes), request_id)
}

/// A JSON answer whose body is JSON.
pub fn json_body(status: StatusCode, body: Body, request_id: RequestId) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS_USUAL);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    stamp(headers, request_id);
    response
}

/// The answer to a CORS preflight: any page may call, since the only credential is one that the page holds.
pub fn preflight(request_id: RequestId) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers
        .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, DELETE, OPTIONS"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Authorization, Content-Type, Request-Id, X-Request-Id, X-SM-Processing-Data, X-SM-EAR-Tag",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    stamp(headers, request_id);
    response
}

/// Sets what every answer carries: `Request-Id`, the headers that let pages in browsers read it, and those that forbid browsers
/// and caches all else.
pub fn stamp(headers: &mut HeaderMap, request_id: RequestId) {
    headers.insert(REQUEST_ID, request_id_value(request_id));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Request-Id, Retry-After"));
    forbid(headers);
}

/// Forbids guessing at what an answer is, keeping it, and making a page of it. What stood there before, as an engine's word, is gone.
pub fn forbid(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
}

/// A request's id as a header value.
pub fn request_id_value(request_id: RequestId) -> HeaderValue {
    HeaderValue::try_from(request_id.to_text()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    /// Every refusal is flat JSON with an `error` of the published enum; 401 says which scheme, 429 says when.
    #[test]
    fn refusals_are_flat_json() {
        let id = RequestId::from_u128(7);
        for reason in Reason::ALL.iter().copied() {
            let response = jobs(&Refusal::new(reason, "why").retry_after(3), id);
            assert_eq!(response.status().as_u16(), reason.http_status());
            assert_eq!(response.headers()[&REQUEST_ID], id.to_string());
            assert_eq!(response.headers()[RETRY_AFTER], "3");
            assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), response.status() == 401);
            let bytes =
                futures_util::FutureExt::now_or_never(response.into_body().collect()).unwrap().unwrap();
            let body: serde_json::Value = serde_json::from_slice(&bytes.to_bytes()).unwrap();
            assert_eq!(body["code"], reason.http_status());
            assert_eq!(body["error"], reason.jobs_error());
            assert_eq!(body["reason"], reason.as_str());
            assert_eq!(body["detail"], "why");
        }
    }
}
