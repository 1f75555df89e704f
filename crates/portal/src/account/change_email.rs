//! `/change-email`: the link by which an account moves to the address that it was sent to.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::LinkError;
use domain::EmailLinkPurpose;
use serde::Deserialize;

use super::LinkQuery;
use super::refused::sentence;
use super::verify_email::DeadLink;
use crate::mail::{letters, send_or_log};
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Visitor};

const TITLE: &str = "Confirm your new address";

#[derive(Template)]
#[template(path = "account/change_email.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    token: &'a str,
}

fn dead(page: &Page) -> Result<Response, Problem> {
    show(page, &DeadLink { page, path: "/settings/profile/email", action: "Ask for another link" })
}

/// `GET /change-email`: shows a button, and uses nothing up.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<LinkQuery>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    match portal.control.find_link(EmailLinkPurpose::ChangeEmail, &query.token).await? {
        Some(link) => show(&page, &View { page: &page, email: &link.email, token: &query.token }),
        None => dead(&page),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    token: String,
}

/// `POST /change-email`: uses the link up; the old address is told.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let changed = match portal.control.finish_email_change(&sent.token, visitor.from).await {
        Ok(changed) => changed,
        Err(LinkError::Store(error)) => return Err(error.into()),
        Err(LinkError::NotFound) => return dead(&Page::for_visitor(&visitor, TITLE)),
        Err(error) => return Err(Problem::conflict(sentence(&error))),
    };
    let contact = portal.config.support_contact.as_deref();
    send_or_log(&*portal.mail, letters::address_changed(&changed.old_email, contact));
    let is_in = visitor.recognised_account().is_some_and(|account| account.id == changed.account.id);
    let path = if is_in { "/settings/profile" } else { "/sign-in" };
    Ok(see_other_with(path, Notice::EmailChanged))
}
