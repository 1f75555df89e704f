//! `/sign-in/passkey`: in without a password.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{Browser, FactorError, PasskeyQuestion};
use serde::Deserialize;

use super::enter::enter_anew;
use super::passkeys::origin;
use crate::web::page::{self, Page};
use crate::web::redirect::LocalPath;
use crate::web::{Portal, Posted, Problem, Visitor};

#[derive(Template)]
#[template(path = "factors/passkey_sign_in.html")]
struct Ask<'a> {
    page: &'a Page,
    question: PasskeyQuestion,
    next: &'a str,
    error: Option<&'a str>,
}

fn show(
    portal: &Portal,
    visitor: &Visitor,
    next: Option<&LocalPath>,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let asked = portal.control.ask_for_passkey(origin(portal)?, &visitor.form_token);
    let question = asked.map_err(|error| Problem::internal(&error))?;
    let page = Page::for_visitor(visitor, "Sign in with a passkey");
    let next = next.map_or("/", LocalPath::as_str);
    page::show_form(&page, &Ask { page: &page, question, next, error }, error.is_some())
}

#[derive(Deserialize, Default)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in/passkey`.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    show(&portal, &visitor, LocalPath::parse(&query.next).as_ref(), None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    ticket: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/passkey`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(form): Posted<Form>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&form.next);
    let browser = Browser { name: &visitor.browser, from: Some(visitor.from) };
    let origin = origin(&portal)?;
    let (bound_to, control) = (&visitor.form_token, &portal.control);
    match control.sign_in_with_passkey(origin, bound_to, &form.ticket, &form.answer, browser).await {
        Ok(begun) => enter_anew(&portal, &visitor, &begun, next.as_ref()).await,
        Err(FactorError::Store(error)) => Err(error.into()),
        Err(FactorError::TooMany { retry_after_seconds }) => {
            let text =
                format!("Too many attempts came from your network. Wait {retry_after_seconds} seconds.");
            Err(Problem::too_many(text, retry_after_seconds))
        }
        Err(FactorError::Ticket(_)) => {
            show(&portal, &visitor, next.as_ref(), Some("This page was too old. Try again."))
        }
        // Nobody learns whether the passkey is unknown, wrong, or of an account that can't sign in.
        Err(_) => {
            let error = "No account opens with this passkey. Try another one, or sign in with your password.";
            show(&portal, &visitor, next.as_ref(), Some(error))
        }
    }
}
