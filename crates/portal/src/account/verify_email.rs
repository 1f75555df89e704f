//! `/verify-email`: the link that shows whose an address is. It asks for the password, so that whoever opens a mail that
//! somebody else caused confirms nothing.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::ConfirmEmailError;
use domain::EmailLinkPurpose;
use serde::Deserialize;

use super::LinkQuery;
use super::entry::{Device, let_in};
use super::refused::Refusal;
use crate::web::page::show;
use crate::web::{Page, Portal, Posted, Problem, Visitor};

const TITLE: &str = "Confirm your address";
const WRONG: &str = "This isn’t the password that was chosen when this address was registered.";

#[derive(Template)]
#[template(path = "account/verify_email.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    token: &'a str,
    mistake: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/dead_link.html")]
pub(super) struct DeadLink<'a> {
    pub(super) page: &'a Page,
    pub(super) path: &'a str,
    pub(super) action: &'a str,
}

fn dead(page: &Page) -> Result<Response, Problem> {
    show(page, &DeadLink { page, path: "/register", action: "Register again" })
}

/// `GET /verify-email`: shows a form, and uses nothing up.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<LinkQuery>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    match portal.control.find_link(EmailLinkPurpose::VerifyEmail, &query.token).await? {
        Some(link) => {
            show(&page, &View { page: &page, email: &link.email, token: &query.token, mistake: None })
        }
        None => dead(&page),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    token: String,
    password: String,
}

/// `POST /verify-email`: uses the link up and signs in.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    device: Device,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    match portal.control.confirm_email(&sent.token, &sent.password, visitor.from).await {
        Ok(known) => let_in(&portal, &visitor, &device, &known.account, Some(&known.password), None).await,
        Err(ConfirmEmailError::NotFound) => dead(&page),
        Err(ConfirmEmailError::Store(error)) => Err(error.into()),
        Err(ConfirmEmailError::Password(error)) => {
            let refusal = Refusal::of(error, WRONG)?;
            let link = portal.control.find_link(EmailLinkPurpose::VerifyEmail, &sent.token).await?;
            let email = link.map(|link| link.email).unwrap_or_default();
            let view = View { page: &page, email: &email, token: &sent.token, mistake: Some(&refusal.text) };
            Ok(refusal.answer(show(&page, &view)?))
        }
    }
}
