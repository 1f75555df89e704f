//! `/settings/profile/email`: another address, by a link that goes there.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{EmailChange, EmailChangeError};
use domain::EmailLinkPurpose;
use serde::Deserialize;

use super::refused::{Refusal, sentence};
use crate::mail::{letters, send_or_log};
use crate::web::page::{show, with_mistakes};
use crate::web::{Page, Portal, Posted, Problem, Recent};

const TITLE: &str = "Change e-mail address";

#[derive(Template)]
#[template(path = "account/new_email.html")]
struct View<'a> {
    page: &'a Page,
    present: &'a str,
    email: &'a str,
    mistake: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/new_email_sent.html")]
struct Sent<'a> {
    page: &'a Page,
    present: &'a str,
    email: &'a str,
    minutes: i64,
}

/// `GET /settings/profile/email`.
pub(super) async fn get(Recent(signed_in): Recent) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, TITLE);
    show(&page, &View { page: &page, present: &signed_in.account.email, email: "", mistake: None })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    email: String,
}

/// `POST /settings/profile/email`.
pub(super) async fn post(
    State(portal): State<Portal>,
    Recent(signed_in): Recent,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, TITLE);
    let (email, present) = (sent.email.trim(), signed_in.account.email.as_str());
    if let Err(error) = portal.control.count_mail_of(signed_in.visitor().from) {
        let refusal = Refusal::of(error, "")?;
        let view = View { page: &page, present, email, mistake: Some(&refusal.text) };
        return Ok(refusal.answer(show(&page, &view)?));
    }
    let begun = portal.control.begin_email_change(&signed_in.actor(), signed_in.account.id, email).await;
    let mail = match begun {
        Ok(EmailChange::Confirm { secret }) => {
            letters::confirm_new_address(email, &portal.config.base_url, secret.expose())
        }
        // The answer is the same: the other account's owner is told, and nobody else.
        Ok(EmailChange::Taken) => letters::address_taken(email),
        Err(EmailChangeError::Store(error)) => return Err(error.into()),
        Err(EmailChangeError::AccountNotFound) => return Err(Problem::not_found()),
        Err(error) => {
            let said = sentence(&error);
            let view = View { page: &page, present, email, mistake: Some(&said) };
            return Ok(with_mistakes(show(&page, &view)?));
        }
    };
    send_or_log(&*portal.mail, mail);
    let minutes = EmailLinkPurpose::ChangeEmail.minutes_max();
    show(&page, &Sent { page: &page, present, email, minutes })
}
