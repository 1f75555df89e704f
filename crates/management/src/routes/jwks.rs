//! `/.well-known/jwks.json`: the public keys.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::config::JWKS_FRESH_SECONDS;
use crate::context::Context;

/// Anybody may read the public keys, and may keep them for a while.
pub(crate) async fn get(State(context): State<Context>) -> Response {
    let mut response = context.control.jwks().to_json().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    if let Ok(value) = HeaderValue::from_str(&format!("public, max-age={JWKS_FRESH_SECONDS}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response
}
