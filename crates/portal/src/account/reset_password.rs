//! `/reset-password`: a password, by a link to the mailbox, or one that an operator handed over. Whoever uses it signs in
//! afterwards as always, with the second factor where there is one.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{LinkError, PASSWORD_CHARACTERS_MIN};
use serde::Deserialize;

use super::LinkQuery;
use super::entry::mark;
use super::refused::{Refusal, sentence};
use super::verify_email::DeadLink;
use crate::mail::{letters, send_or_log};
use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, Visitor, cookies};

const TITLE: &str = "Choose a password";

#[derive(Template)]
#[template(path = "account/reset_password.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    token: &'a str,
    mistake: Option<&'a str>,
    password_characters: usize,
}

fn form(page: &Page, email: &str, token: &str, mistake: Option<&str>) -> Result<Response, Problem> {
    show(page, &View { page, email, token, mistake, password_characters: PASSWORD_CHARACTERS_MIN })
}

fn dead(page: &Page) -> Result<Response, Problem> {
    show(page, &DeadLink { page, path: "/forgot-password", action: "Ask for another link" })
}

/// `GET /reset-password`: shows a form, and uses nothing up.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<LinkQuery>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    match portal.control.find_password_link(&query.token).await? {
        Some(link) => form(&page, &link.email, &query.token, None),
        None => dead(&page),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    token: String,
    password: String,
}

/// `POST /reset-password`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    let error = match portal.control.reset_password(&sent.token, &sent.password, visitor.from).await {
        Ok(account) => {
            send_or_log(&*portal.mail, letters::password_changed(&account.email, &portal.config.base_url));
            let mut response = see_other_with("/sign-in", Notice::PasswordChanged);
            let (name, value) = cookies::clear(cookies::SESSION);
            response.headers_mut().append(name, value);
            mark(&portal, account.id, &mut response);
            return Ok(response);
        }
        Err(error) => error,
    };
    let link = portal.control.find_password_link(&sent.token).await?;
    let Some(link) = link else { return dead(&page) };
    let said = sentence(&error);
    match error {
        LinkError::Store(error) => Err(error.into()),
        LinkError::Hash(_) => {
            let refusal = Refusal::busy(said);
            Ok(refusal.answer(form(&page, &link.email, &sent.token, Some(&refusal.text))?))
        }
        LinkError::InvalidPassword(_)
        | LinkError::InvalidEmail
        | LinkError::EmailTaken
        | LinkError::NotFound => Ok(with_mistakes(form(&page, &link.email, &sent.token, Some(&said))?)),
    }
}
