//! `/settings/profile/password`: another password for whoever is signed in and knows the one before.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{ChangePasswordError, PASSWORD_CHARACTERS_MIN, PasswordChange, SetPasswordError, StaySignedIn};
use serde::Deserialize;

use super::refused::{Refusal, sentence};
use crate::mail::{letters, send_or_log};
use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Recent, SignedIn};

const TITLE: &str = "Change password";
const WRONG: &str = "The present password is wrong.";

/// What is wrong with what was sent, at the field that it belongs to.
#[derive(Default)]
struct Mistakes<'a> {
    current: Option<&'a str>,
    password: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/new_password.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    /// Whether there is a present one to ask for: who came by another provider may have none.
    has_password: bool,
    others_end: bool,
    mistakes: Mistakes<'a>,
    password_characters: usize,
}

async fn form(
    portal: &Portal,
    signed_in: &SignedIn,
    others_end: bool,
    mistakes: Mistakes<'_>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, TITLE);
    let view = View {
        page: &page,
        email: &signed_in.account.email,
        has_password: portal.control.has_password(signed_in.account.id).await?,
        others_end,
        mistakes,
        password_characters: PASSWORD_CHARACTERS_MIN,
    };
    show(&page, &view)
}

/// `GET /settings/profile/password`.
pub(super) async fn get(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
) -> Result<Response, Problem> {
    form(&portal, &signed_in, true, Mistakes::default()).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// The present password; left out where there is none.
    #[serde(default)]
    current: String,
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
    let from = signed_in.visitor().from;
    let asked = PasswordChange { current: &sent.current, new: &sent.password, stay, from };
    let (actor, id) = (signed_in.actor(), signed_in.account.id);
    let error = match portal.control.change_password(&actor, id, asked).await {
        Ok(()) => {
            let mail = letters::password_changed(&signed_in.account.email, &portal.config.base_url);
            send_or_log(&*portal.mail, mail);
            return Ok(see_other_with("/settings/profile", Notice::PasswordChanged));
        }
        Err(error) => error,
    };
    let said = sentence(&error);
    let at_current = |text| Mistakes { current: Some(text), password: None };
    let at_new = |text| Mistakes { current: None, password: Some(text) };
    match error {
        ChangePasswordError::Current(error) => {
            let refusal = Refusal::of(error, WRONG)?;
            Ok(refusal.answer(form(&portal, &signed_in, others_end, at_current(&refusal.text)).await?))
        }
        ChangePasswordError::New(SetPasswordError::Store(error)) => Err(error.into()),
        ChangePasswordError::New(SetPasswordError::AccountNotFound) => Err(Problem::not_found()),
        ChangePasswordError::New(SetPasswordError::InvalidPassword(_)) => {
            Ok(with_mistakes(form(&portal, &signed_in, others_end, at_new(&said)).await?))
        }
        ChangePasswordError::New(SetPasswordError::Hash(_)) => {
            let refusal = Refusal::busy(said);
            Ok(refusal.answer(form(&portal, &signed_in, others_end, at_new(&refusal.text)).await?))
        }
    }
}
