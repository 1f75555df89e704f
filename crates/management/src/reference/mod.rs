//! The document and the pages to read it: `/openapi.json`, `/docs`, and a page for each reason. They are made once, at the
//! start, run no script and need nothing from elsewhere.

mod page;
mod reasons;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use domain::Reason;
use http::{HeaderName, HeaderValue, header};
use utoipa::openapi::OpenApi;

use crate::context::Context;
use crate::document::Operation;
use crate::problem::Problem;

const STYLE: &str = include_str!("../../assets/reference.css");
/// How long the style may be kept, in seconds.
const STYLE_FRESH: &str = "public, max-age=300";

const POLICY: &str = "default-src 'none'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const FORBIDDING: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What is shown. All answers share it: nobody needs a key to ask for it, and many may ask who read it slowly.
pub(crate) struct Reference {
    document: Bytes,
    page: Bytes,
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reference")
    }
}

impl Reference {
    pub(crate) fn new(operations: &[Operation], document: &OpenApi, url: &str) -> Self {
        let text = document.to_pretty_json();
        if let Err(error) = &text {
            tracing::error!(%error, "the OpenAPI document can't be written");
        }
        Self { document: text.unwrap_or_default().into(), page: page::render(operations, url).into() }
    }
}

/// Adds the pages to the API's routes.
pub(crate) fn routes(router: Router<Context>) -> Router<Context> {
    router
        .route("/openapi.json", get(document))
        .route("/docs", get(reference))
        .route("/docs/", get(reference))
        .route("/docs/reference.css", get(style))
        .route("/docs/errors/{reason}", get(reason))
}

async fn document(context: Context) -> Response {
    let mut response = context.reference.document.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn reference(context: Context) -> Response {
    page_of(context.reference.page.clone())
}

async fn reason(Path(reason): Path<String>) -> Result<Response, Problem> {
    let reason = Reason::from_name(&reason).ok_or_else(|| {
        Problem::not_found("There is no such reason. GET /docs names those that there are.")
    })?;
    Ok(page_of(reasons::render(reason)))
}

fn page_of(html: impl Into<Body>) -> Response {
    let mut response = Html::<Body>(html.into()).into_response();
    for (name, value) in FORBIDDING {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn style() -> Response {
    let mut response = STYLE.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(STYLE_FRESH));
    response
}
