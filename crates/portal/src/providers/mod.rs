//! Sign-in with other providers: the way there, and back.

mod callback;
mod leave;
mod register;

use axum::Router;
use axum::routing::{get, post};
use control::ProviderError;

use crate::web::{Portal, Problem};

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/sign-in/with/{provider}", get(leave::get))
        .route("/sign-in/with/{provider}/callback", get(callback::get))
        .route("/sign-in/with/{provider}/register", post(register::post))
}

/// Why nobody was signed in, for people. What was wrong with the provider's answer is for the log alone.
pub(crate) fn problem_of(provider: &str, error: ProviderError) -> Problem {
    match error {
        ProviderError::NotFound => Problem::not_found(),
        ProviderError::Ticket(control::TicketError::Store(error)) => error.into(),
        ProviderError::Ticket(control::TicketError::Over) => Problem::conflict(
            "This sign-in was begun in another browser, too long ago, or was completed already. Nobody was signed in. Begin \
             again at “Sign in”.",
        ),
        ProviderError::Declined => Problem::conflict(
            "The provider did not sign you in. Begin again at “Sign in”, or choose another way.",
        ),
        ProviderError::NotAllowed => Problem::forbidden(
            "This instance lets in only people of certain domains, with an address that the provider has verified.",
        ),
        ProviderError::Invalid(reason) => {
            tracing::warn!(provider, reason, "the answer of a provider was refused");
            Problem::forbidden(
                "What the provider answered could not be verified, so nobody was signed in. Try again; if it happens again, tell \
                 whoever runs this instance.",
            )
        }
        ProviderError::Unavailable(error) => {
            let error = error.as_ref().map(|error| error as &dyn std::error::Error);
            tracing::warn!(provider, error, "a provider can't be reached");
            Problem::conflict(
                "The provider can't be reached now. Try again in a minute, or choose another way to sign in.",
            )
        }
    }
}
