//! Refusals as pages and forms tell them.

use axum::response::{IntoResponse as _, Response};
use control::PasswordRefused;
use http::{HeaderValue, StatusCode, header};

use crate::web::Problem;

/// An error as a sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

/// How the form that holds a refused password is answered.
pub(super) struct Refusal {
    pub(super) text: String,
    status: StatusCode,
    retry_seconds: Option<u64>,
}

/// A few seconds: about as long as the hashes that wait.
const BUSY_RETRY_SECONDS: u64 = 5;

impl Refusal {
    /// Of a sign-in or a confirmation; `wrong` is said where the password is.
    pub(super) fn of(error: PasswordRefused, wrong: &str) -> Result<Self, Problem> {
        let said = sentence(&error);
        Ok(match error {
            PasswordRefused::Wrong => {
                Self { text: wrong.to_owned(), status: StatusCode::UNPROCESSABLE_ENTITY, retry_seconds: None }
            }
            PasswordRefused::TooMany { retry_seconds } => {
                Self { text: said, status: StatusCode::TOO_MANY_REQUESTS, retry_seconds: Some(retry_seconds) }
            }
            PasswordRefused::Busy => Self::busy(said),
            PasswordRefused::Store(error) => return Err(error.into()),
        })
    }

    /// Too many passwords are being hashed.
    pub(super) fn busy(text: String) -> Self {
        Self { text, status: StatusCode::SERVICE_UNAVAILABLE, retry_seconds: Some(BUSY_RETRY_SECONDS) }
    }

    /// The page with the form, as the answer that this is.
    pub(super) fn answer(&self, page: Response) -> Response {
        let mut response = (self.status, page).into_response();
        if let Some(seconds) = self.retry_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
