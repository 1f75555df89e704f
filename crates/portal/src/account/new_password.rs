//! `/settings/profile/password`: another password for whoever is signed in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{PASSWORD_CHARACTERS_MIN, SetPasswordError, StaySignedIn};
use serde::Deserialize;

use super::refused::{Refusal, sentence};
use crate::mail::{letters, send_or_log};
use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Recent, SignedIn};

const TITLE: &str = "Change password";

#[derive(Template)]
#[template(path = "account/new_password.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    others_end: bool,
    mistake: Option<&'a str>,
    password_characters: usize,
}

fn form(signed_in: &SignedIn, others_end: bool, mistake: Option<&str>) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, TITLE);
    let view = View {
        page: &page,
        email: &signed_in.account.email,
        others_end,
        mistake,
        password_characters: PASSWORD_CHARACTERS_MIN,
    };
    show(&page, &view)
}

/// `GET /settings/profile/password`.
pub(super) async fn get(Recent(signed_in): Recent) -> Result<Response, Problem> {
    form(&signed_in, true, None)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    password: String,
    /// There if everybody else is to be signed out.
    others_end: Option<String>,
}

/// `POST /settings/profile/password`.
pub(super) async fn post(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let others_end = sent.others_end.is_some();
    let stay = if others_end { StaySignedIn::Only(signed_in.session.id) } else { StaySignedIn::Everywhere };
    let (actor, id) = (signed_in.actor(), signed_in.account.id);
    let error = match portal.control.change_password(&actor, id, &sent.password, stay).await {
        Ok(()) => {
            let mail = letters::password_changed(&signed_in.account.email, &portal.config.base_url);
            send_or_log(&*portal.mail, mail);
            return Ok(see_other_with("/settings/profile", Notice::PasswordChanged));
        }
        Err(error) => error,
    };
    let said = sentence(&error);
    match error {
        SetPasswordError::Store(error) => Err(error.into()),
        SetPasswordError::AccountNotFound => Err(Problem::not_found()),
        SetPasswordError::InvalidPassword(_) => Ok(with_mistakes(form(&signed_in, others_end, Some(&said))?)),
        SetPasswordError::Hash(_) => {
            let refusal = Refusal::busy(said);
            Ok(refusal.answer(form(&signed_in, others_end, Some(&refusal.text))?))
        }
    }
}
