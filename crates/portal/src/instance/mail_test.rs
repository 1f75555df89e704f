//! `/instance/mail`: whether mails leave.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::mail::letters;
use crate::web::page::{self, Page};
use crate::web::{Portal, Posted, Problem, RecentOperator, SignedIn};

#[derive(Template)]
#[template(path = "instance/mail.html")]
struct View<'a> {
    page: &'a Page,
    is_there: bool,
    to: &'a str,
    answer: Option<Answer>,
}

/// What came of a test.
struct Answer {
    is_taken: bool,
    text: String,
}

/// Whom to write to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipient {
    to: String,
}

fn show(
    portal: &Portal,
    signed_in: &SignedIn,
    to: &str,
    answer: Option<Answer>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, "Mail");
    page::show(&page, &View { page: &page, is_there: portal.mail.is_there(), to, answer })
}

/// `GET /instance/mail`.
pub(super) async fn get(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
) -> Result<Response, Problem> {
    show(&portal, &signed_in, &signed_in.account.email, None)
}

/// `POST /instance/mail`: one mail, while the operator waits.
pub(super) async fn send(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Posted(form): Posted<Recipient>,
) -> Result<Response, Problem> {
    let to = form.to.trim();
    let (status, answer) = match portal.mail.send_now(letters::test_mail(to)).await {
        Ok(()) => {
            let text = format!("The mail server took the mail to {to}. Look whether it arrived.");
            (StatusCode::OK, Answer { is_taken: true, text })
        }
        Err(error) => {
            (StatusCode::BAD_GATEWAY, Answer { is_taken: false, text: crate::workspace::said(&error) })
        }
    };
    let shown = show(&portal, &signed_in, to, Some(answer))?;
    Ok((status, shown).into_response())
}
