//! The home page.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::PortalConfig;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    config: &'a PortalConfig,
    version: &'static str,
}

/// Renders the page.
pub(crate) async fn get(State(config): State<Arc<PortalConfig>>) -> Response {
    let page = Home { config: &config, version: env!("CARGO_PKG_VERSION") };
    let mut response = match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "the home page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
