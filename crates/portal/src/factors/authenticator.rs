//! `/settings/security/authenticator`: an authenticator app is added by showing a code of it, or removed.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use control::{ChangeFactorError, TicketError, TotpOffer};
use serde::Deserialize;

use super::certain::{Certain, SettingUp};
use super::enter::go_on;
use super::recovery_codes::show_codes;
use super::{PATH, notify, problem, qr};
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem};

/// What authenticator apps show beside the codes.
const ISSUER: &str = "Voxgate";

#[derive(Template)]
#[template(path = "factors/authenticator.html")]
struct Add<'a> {
    page: &'a Page,
    back: &'static str,
    /// Whether the account has an app, which the new one replaces.
    replaces: bool,
    ticket: &'a str,
    secret: String,
    picture: Option<String>,
    code: &'a str,
    error: Option<&'a str>,
}

/// The secret in groups of four, as people read it out.
fn grouped(secret: &str) -> String {
    let mut text = String::with_capacity(secret.len() * 5 / 4);
    for (index, character) in secret.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push(' ');
        }
        text.push(character);
    }
    text
}

fn show(
    who: &SettingUp,
    replaces: bool,
    offer: &TotpOffer,
    code: &str,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let page = who.page(if replaces { "Replace the authenticator app" } else { "Add an authenticator app" });
    let template = Add {
        page: &page,
        back: who.overview_path(),
        replaces,
        ticket: &offer.ticket,
        secret: grouped(offer.secret.expose()),
        picture: qr::svg(offer.url.expose()),
        code,
        error,
    };
    page::show_form(&page, &template, error.is_some())
}

fn too_old(error: TicketError) -> Problem {
    problem(ChangeFactorError::Ticket(error))
}

/// Whether the account has an app that another one would replace. That is so where a factor is demanded: whoever has lost the
/// device can't remove the old one first. Elsewhere they can, and are told so.
async fn replaces(portal: &Portal, who: &SettingUp) -> Result<bool, Problem> {
    if !portal.control.second_factors(who.signed_in.account.id).await?.has_totp {
        return Ok(false);
    }
    if portal.control.demands_factor() { Ok(true) } else { Err(problem(ChangeFactorError::Exists)) }
}

/// `GET /settings/security/authenticator`.
pub(super) async fn get(State(portal): State<Portal>, who: SettingUp) -> Result<Response, Problem> {
    let replaces = replaces(&portal, &who).await?;
    let bound_to = who.signed_in.session.id.to_string();
    let offer = portal.control.offer_totp(&bound_to, &who.signed_in.account, ISSUER).map_err(too_old)?;
    show(&who, replaces, &offer, "", None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddForm {
    ticket: String,
    code: String,
}

/// `POST /settings/security/authenticator`.
pub(super) async fn post(
    State(portal): State<Portal>,
    who: SettingUp,
    Posted(form): Posted<AddForm>,
) -> Result<Response, Problem> {
    let (control, account) = (&portal.control, &who.signed_in.account);
    let (actor, bound_to) = (who.signed_in.actor(), who.signed_in.session.id.to_string());
    let replaces = replaces(&portal, &who).await?;
    let added = if replaces {
        control.replace_totp(&actor, account.id, &bound_to, &form.ticket, &form.code).await
    } else {
        control.add_totp(&actor, account.id, &bound_to, &form.ticket, &form.code).await
    };
    match added {
        Ok(added) => {
            notify(&portal, account, "An authenticator app was added to your account at Voxgate.");
            let done = "Codes of your authenticator app are asked for from now on when you sign in with your password.";
            let (signed_in, cookie) = go_on(&portal, who.signed_in).await;
            Ok((cookie, show_codes(&signed_in, done, added.recovery_codes.as_ref())?).into_response())
        }
        Err(ChangeFactorError::Wrong) => {
            let again =
                control.offer_totp_again(&bound_to, account, ISSUER, &form.ticket).map_err(too_old)?;
            let error = "This code is not right now. Enter the six digits that the app shows at this moment; if they never \
                         fit, see whether the clock of your device is right.";
            show(&who, replaces, &again, &form.code, Some(error))
        }
        Err(error) => Err(problem(error)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveForm {}

/// `POST /settings/security/authenticator/remove`.
pub(super) async fn remove(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Posted(RemoveForm {}): Posted<RemoveForm>,
) -> Result<Response, Problem> {
    portal.control.remove_totp(&signed_in.actor(), signed_in.account.id).await.map_err(problem)?;
    notify(&portal, &signed_in.account, "The authenticator app of your account at Voxgate was removed.");
    Ok(see_other_with(PATH, Notice::Saved))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A secret is shown so that it can be typed.
    #[test]
    fn secrets_are_grouped() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(grouped(""), "");
    }
}
