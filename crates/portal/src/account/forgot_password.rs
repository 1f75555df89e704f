//! `/forgot-password`: asks for a link to the mailbox. The answer is the same whether or not the address is known.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::EMAIL_BYTES_MAX;
use domain::EmailLinkPurpose;
use serde::Deserialize;

use super::later::beside_the_answer;
use super::refused::Refusal;
use crate::mail::{letters, send_or_log};
use crate::web::page::{show, with_mistakes};
use crate::web::{Page, Portal, Posted, Problem, Visitor};

const TITLE: &str = "Choose another password";

#[derive(Template)]
#[template(path = "account/forgot_password.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    mistake: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/reset_sent.html")]
struct Sent<'a> {
    page: &'a Page,
    email: &'a str,
    minutes: i64,
}

/// `GET /forgot-password`.
pub(super) async fn get(visitor: Visitor) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    show(&page, &View { page: &page, email: "", mistake: None })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    email: String,
}

/// `POST /forgot-password`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let page = Page::for_visitor(&visitor, TITLE);
    let email = sent.email.trim().to_owned();
    if email.len() > EMAIL_BYTES_MAX || !email.contains('@') {
        let mistake = Some("This is no e-mail address: expected something like name@example.org.");
        return Ok(with_mistakes(show(&page, &View { page: &page, email: &email, mistake })?));
    }
    if let Err(error) = portal.control.count_mail_of(visitor.from) {
        let refusal = Refusal::of(error, "")?;
        let view = View { page: &page, email: &email, mistake: Some(&refusal.text) };
        return Ok(refusal.answer(show(&page, &view)?));
    }
    let (work, to, from) = (portal.clone(), email.clone(), visitor.from);
    beside_the_answer(async move { send_link(&work, &to, from).await }).await;
    let minutes = EmailLinkPurpose::ResetPassword.minutes_max();
    let page = Page::for_visitor(&visitor, "Check your mail");
    show(&page, &Sent { page: &page, email: &email, minutes })
}

async fn send_link(portal: &Portal, email: &str, from: std::net::IpAddr) {
    match portal.control.begin_password_reset(email, from).await {
        Ok(Some((account, secret))) => {
            let mail = letters::reset_password(&account.email, &portal.config.base_url, secret.expose());
            send_or_log(&*portal.mail, mail);
        }
        Ok(None) => {}
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a link was not stored");
        }
    }
}
