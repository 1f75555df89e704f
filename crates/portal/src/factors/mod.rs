//! Settings > Security, and the second step of a sign-in: authenticator apps, recovery codes, passkeys, and identities at other
//! providers. What changes them is done by whoever signed in, or confirmed who they are, a moment ago.

mod authenticator;
mod certain;
mod enter;
mod factor;
mod identities;
mod overview;
mod passkey_sign_in;
mod passkeys;
mod qr;
mod recovery_codes;
mod set_up;

use axum::Router;
use axum::routing::{get, post};
use control::ChangeFactorError;
use domain::Account;

pub(crate) use enter::{enter, enter_anew};

use crate::mail::{letters, send_or_log};
use crate::web::{Portal, Problem};

/// Where the room is.
pub(crate) const PATH: &str = "/settings/security";

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(PATH, get(overview::get))
        .route("/settings/security/set-up", get(set_up::get))
        .route("/settings/security/authenticator", get(authenticator::get).post(authenticator::post))
        .route("/settings/security/authenticator/remove", post(authenticator::remove))
        .route("/settings/security/recovery-codes", post(recovery_codes::post))
        .route("/settings/security/passkeys", get(passkeys::get).post(passkeys::post))
        .route("/settings/security/passkeys/{id}/rename", post(passkeys::rename))
        .route("/settings/security/passkeys/{id}/remove", post(passkeys::remove))
        .route("/settings/security/identities/link", post(identities::link))
        .route("/settings/security/identities/confirm", post(identities::confirm))
        .route("/settings/security/identities/unlink", post(identities::unlink))
        .route("/sign-in/factor", get(factor::get).post(factor::post))
        .route("/sign-in/factor/passkey", post(factor::post_passkey))
        .route("/sign-in/passkey", get(passkey_sign_in::get).post(passkey_sign_in::post))
}

/// Why a factor was not changed, where no page of its own tells it.
pub(crate) fn problem(error: ChangeFactorError) -> Problem {
    match error {
        ChangeFactorError::AccountNotFound | ChangeFactorError::NotFound => Problem::not_found(),
        ChangeFactorError::Key(error) => Problem::internal(&error),
        ChangeFactorError::Store(error) => error.into(),
        other => Problem::conflict(sentence(&other)),
    }
}

/// Tells an account's owner by mail that somebody, perhaps not they, changed how it is signed in to.
fn notify(portal: &Portal, account: &Account, what: &str) {
    send_or_log(&*portal.mail, letters::factors_changed(&account.email, &portal.config.base_url, what));
}

/// An error as a sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
