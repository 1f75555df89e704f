//! How a refusal looks: a flat JSON body that every client library can read (protocol 0.9, answers table).

use axum::response::{IntoResponse, Response};
use control::StoreError;
use domain::{Reason, Refusal};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::invalid::Invalid;
use crate::json::BodyProblem;

/// The body of every refusal, in this order.
#[derive(Debug, Serialize)]
struct Body<'a> {
    code: u16,
    error: &'a str,
    message: &'a str,
    detail: &'a str,
    reason: &'a str,
}

/// A refusal on its way out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    reason: Reason,
    /// The HTTP status, or go-openapi's number for a value of the wrong form.
    code: u16,
    message: String,
    detail: String,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A refusal with one sentence.
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            reason,
            code: reason.http_status(),
            message: detail.clone(),
            detail,
            retry_after_seconds: None,
        }
    }

    /// The object of the path, or the one that the body names, is unknown to this caller.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Reason::NotFound, detail)
    }

    /// Something here failed. The cause goes to the log, the caller learns that there was one.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        let mut causes = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            causes.push_str(": ");
            causes.push_str(&source.to_string());
            next = source.source();
        }
        tracing::error!(cause = causes, "a management call failed");
        Self::new(
            Reason::Internal,
            "Something failed here; the Request-Id finds it in the log. Trying again is safe.",
        )
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            retry_after_seconds: refusal.retry_after_seconds,
            ..Self::new(refusal.reason, refusal.detail.into_owned())
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let detail = invalid.detail.unwrap_or_else(|| invalid.message.clone());
        Self {
            reason: Reason::InvalidValue,
            code: invalid.code,
            message: invalid.message,
            detail,
            retry_after_seconds: None,
        }
    }
}

impl From<BodyProblem> for Problem {
    fn from(problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::NotJson(_) => Self::new(Reason::MalformedRequest, problem.to_string()),
            BodyProblem::RepeatedIn(_) => Invalid::pattern(problem.to_string())
                .with_detail(
                    "Readers differ in which of the two they see, so such an object can't be compared.",
                )
                .into(),
            BodyProblem::NotObject => Invalid::wrong_type("body", "body", "object").into(),
        }
    }
}

/// How soon a call that the database couldn't serve may be tried again.
const STORAGE_AGAIN_SECONDS: u32 = 5;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = Self::internal(&error);
        if !error.is_unavailable() {
            return problem;
        }
        Self {
            retry_after_seconds: Some(STORAGE_AGAIN_SECONDS),
            ..Self::new(Reason::StorageDown, "The database can't be used now. Try again soon.")
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.reason.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::Json(Body {
            code: self.code,
            error: self.reason.status_text(),
            message: &self.message,
            detail: &self.detail,
            reason: self.reason.as_str(),
        });
        let mut response = (status, body).into_response();
        // For whoever counts refusals.
        response.extensions_mut().insert(self.reason);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
