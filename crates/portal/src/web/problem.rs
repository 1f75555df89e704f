//! What goes wrong, as a page: what happened, and what to do.

use askama::Template;
use axum::response::{IntoResponse, Response};
use control::StoreError;
use http::{StatusCode, header};

use super::page::{self, Page};

/// A request that can't be answered as it was asked.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    text: String,
    retry_after_seconds: Option<u64>,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct View<'a> {
    page: &'a Page,
    text: &'a str,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self { status, title, text: text.into(), retry_after_seconds: None }
    }

    /// Nothing is here, or it is somebody else's: nobody is told which.
    pub(crate) fn not_found() -> Self {
        let text = "There is nothing at this address, or it isn't yours. Check the address, or begin at the home page.";
        Self::new(StatusCode::NOT_FOUND, "Not found", text)
    }

    /// Whoever asks may not do this.
    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Not allowed", text)
    }

    /// A form that wasn't sent from its page.
    pub(crate) fn form_expired() -> Self {
        let text = "This form was sent from another page, or it has grown too old. Nothing was changed. Go back, reload the \
                    page and send the form again.";
        Self::new(StatusCode::FORBIDDEN, "Send the form again", text)
    }

    /// A form that can't be read.
    pub(crate) fn bad_form(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The form can't be read", text)
    }

    /// A form with too much in it.
    pub(crate) fn too_large() -> Self {
        let text = "The form is too large. Shorten what is in its fields.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too large", text)
    }

    /// It can't be done any more, or not in this state of things.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "This can't be done now", text)
    }

    /// Too many attempts.
    pub(crate) fn too_many(text: impl Into<String>, retry_after_seconds: u64) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", text);
        Self { retry_after_seconds: Some(retry_after_seconds), ..problem }
    }

    /// Something failed here.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a page could not be made");
        let text = "Something failed on our side. Nothing more was changed. Try again in a moment.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something failed", text)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = Page::bare(self.title);
        let shown = page::show(&page, &View { page: &page, text: &self.text });
        let mut response = shown.unwrap_or_else(|_| self.text.into_response());
        *response.status_mut() = self.status;
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
