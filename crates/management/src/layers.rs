//! What every answer carries, whatever made it: `Request-Id`, the headers for browsers, and JSON for paths and
//! methods that don't exist.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::{Reason, RequestId};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::config::PREFLIGHT_SECONDS;
use crate::context::Context;
use crate::problem::Problem;
use crate::request;
use crate::whole::whole;

/// What a browser may do with an answer that somebody opens in it: nothing. The pages of the reference say themselves what they need.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'";

/// Tells the request in logs and to the caller.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Counts the call, waits for the rest of it, answers preflights, and adds the headers that every answer carries.
pub(crate) async fn finish(State(context): State<Context>, request: Request, next: Next) -> Response {
    let now = context.control.now();
    // One that a trusted proxy gave comes along.
    let given = request.extensions().get::<RequestId>().copied();
    let id = given.unwrap_or_else(|| RequestId::generate(now, context.rng.as_ref()));
    let peer = request::peer(request.extensions());
    let is_open = is_open_to_pages(request.uri().path());
    let mut response = match context.rates.network(peer, now) {
        Err(refusal) => Problem::from(refusal).into_response(),
        Ok(()) if is_open && is_preflight(&request) => preflight_answer(),
        Ok(()) => judged(&context, whole(request).await, next).await,
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        // Its body may have taken its time.
        context.rates.failure(peer, context.control.now());
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.entry(REQUEST_ID).or_insert(value);
    }
    if is_open {
        // No cookie is ever a credential here, so any page may ask; it still needs a credential of its own.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Request-Id, Temporary-Key-Id, Voxgate-Revision, Retry-After"),
        );
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The answer to a call that is whole. Credentials of its network may have been refused while its body came: many calls that are held
/// back until all of them are judged at once have no more tries than others.
async fn judged(context: &Context, request: Request, next: Next) -> Response {
    match context.rates.failing(request::peer(request.extensions()), context.control.now()) {
        Err(refusal) => Problem::from(refusal).into_response(),
        Ok(()) => next.run(request).await,
    }
}

/// What pages of other origins may call: minting, which client libraries do from browsers, and what anybody may read.
/// Nothing else: who manages keys from a browser does so in the portal.
fn is_open_to_pages(path: &str) -> bool {
    matches!(
        path.trim_end_matches('/'),
        "/v1/api_keys" | "/v1/api-keys" | "/.well-known/jwks.json" | "/openapi.json"
    )
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight_answer() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
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
