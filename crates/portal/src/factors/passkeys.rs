//! `/settings/security/passkeys`: added, renamed, removed.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use control::{ChangeFactorError, NewPasskey, PasskeyOrigin, PasskeyQuestion};
use domain::PasskeyId;
use serde::Deserialize;

use super::certain::{Certain, SettingUp};
use super::enter::go_on;
use super::recovery_codes::show_codes;
use super::{PATH, notify, problem, sentence};
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem};

#[derive(Template)]
#[template(path = "factors/passkey.html")]
struct Add<'a> {
    page: &'a Page,
    back: &'static str,
    question: &'a PasskeyQuestion,
    name: &'a str,
    error: Option<&'a str>,
}

/// What passkeys of this portal are bound to, where it can have any.
pub(super) fn origin(portal: &Portal) -> Result<&PasskeyOrigin, Problem> {
    portal.passkeys.as_deref().ok_or_else(|| {
        Problem::conflict(
            "Passkeys need this portal to be reached by a name, over https. Ask whoever runs it.",
        )
    })
}

async fn show(
    portal: &Portal,
    who: &SettingUp,
    name: &str,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let bound_to = who.signed_in.session.id.to_string();
    let asked = portal.control.offer_passkey(origin(portal)?, &bound_to, &who.signed_in.account).await;
    let question = asked.map_err(problem)?;
    let page = who.page("Add a passkey");
    let template = Add { page: &page, back: who.overview_path(), question: &question, name, error };
    page::show_form(&page, &template, error.is_some())
}

/// `GET /settings/security/passkeys`.
pub(super) async fn get(State(portal): State<Portal>, who: SettingUp) -> Result<Response, Problem> {
    show(&portal, &who, "", None).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddForm {
    name: String,
    ticket: String,
    #[serde(default)]
    answer: String,
}

/// `POST /settings/security/passkeys`.
pub(super) async fn post(
    State(portal): State<Portal>,
    who: SettingUp,
    Posted(form): Posted<AddForm>,
) -> Result<Response, Problem> {
    let signed_in = &who.signed_in;
    let new = NewPasskey {
        origin: origin(&portal)?,
        bound_to: &signed_in.session.id.to_string(),
        ticket: &form.ticket,
        answer: &form.answer,
        name: &form.name,
    };
    match portal.control.add_passkey(&signed_in.actor(), signed_in.account.id, new).await {
        Ok(added) => {
            notify(&portal, &signed_in.account, "A passkey was added to your account at Voxgate.");
            let done = "Your passkey was added. It signs you in without a password.";
            let (signed_in, cookie) = go_on(&portal, who.signed_in).await;
            Ok((cookie, show_codes(&signed_in, done, added.recovery_codes.as_ref())?).into_response())
        }
        Err(error @ ChangeFactorError::InvalidName) => {
            show(&portal, &who, &form.name, Some(&sentence(&error))).await
        }
        Err(ChangeFactorError::Wrong) => {
            let error = "Your browser's answer was not taken. Try again; your device must ask for your finger, face or PIN.";
            show(&portal, &who, &form.name, Some(error)).await
        }
        Err(error) => Err(problem(error)),
    }
}

fn id(text: &str) -> Result<PasskeyId, Problem> {
    PasskeyId::parse(text).ok_or_else(Problem::not_found)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RenameForm {
    name: String,
}

/// `POST /settings/security/passkeys/{id}/rename`.
pub(super) async fn rename(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Path(text): Path<String>,
    Posted(form): Posted<RenameForm>,
) -> Result<Response, Problem> {
    let (control, account_id) = (&portal.control, signed_in.account.id);
    let renamed = control.rename_passkey(&signed_in.actor(), account_id, id(&text)?, &form.name).await;
    renamed.map_err(problem)?;
    Ok(see_other_with(PATH, Notice::Saved))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveForm {}

/// `POST /settings/security/passkeys/{id}/remove`.
pub(super) async fn remove(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Path(text): Path<String>,
    Posted(RemoveForm {}): Posted<RemoveForm>,
) -> Result<Response, Problem> {
    let (control, account_id) = (&portal.control, signed_in.account.id);
    control.remove_passkey(&signed_in.actor(), account_id, id(&text)?).await.map_err(problem)?;
    notify(&portal, &signed_in.account, "A passkey of your account at Voxgate was removed.");
    Ok(see_other_with(PATH, Notice::Saved))
}
