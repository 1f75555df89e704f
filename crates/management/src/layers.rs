//! What every answer carries, whatever made it: `Request-Id`, the headers for browsers, and JSON for paths and
//! methods that don't exist.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Reason, RequestId};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::config::PREFLIGHT_SECONDS;
use crate::problem::Problem;

/// Tells the request in logs and to the caller.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What makes request ids.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(crate) control: Arc<control::Control>,
    pub(crate) rng: Arc<dyn domain::Rng>,
}

/// Answers preflights, and adds the headers that every answer carries.
pub(crate) async fn finish(State(ids): State<Ids>, request: Request, next: Next) -> Response {
    let id = RequestId::generate(ids.control.now(), ids.rng.as_ref());
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight { preflight_answer() } else { next.run(request).await };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.entry(REQUEST_ID).or_insert(value);
    }
    // No cookie is ever a credential here, so any page may ask; it still needs a credential of its own.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Request-Id, Temporary-Key-Id, Voxgate-Revision, Retry-After"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn preflight_answer() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type, Request-Id, X-Request-Id"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_SECONDS));
    response
}

/// No such path.
pub(crate) async fn unknown_path() -> Problem {
    Problem::not_found("There is nothing at this path. The management API is under /v1.")
}

/// The path exists, the method doesn't; the router adds `Allow`.
pub(crate) async fn unknown_method() -> Problem {
    Problem::new(
        Reason::MethodNotAllowed,
        "This path exists, but not with this method: Allow names those that do.",
    )
}
