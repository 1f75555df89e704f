//! `/sign-in` by password, and `/sign-out`.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::PasswordAttempt;
use serde::Deserialize;

use super::entry::{Device, let_in};
use super::refused::Refusal;
use super::{NextQuery, NoFields};
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::{LocalPath, see_other, see_other_with, with_next};
use crate::web::{Page, Portal, Posted, Problem, Recognised, Visitor, cookies};

const TITLE: &str = "Sign in";
/// One sentence for all reasons: nobody learns which addresses are known.
const WRONG: &str = "The e-mail address or the password is wrong, or the address was not confirmed yet.";

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    next: &'a str,
    mistake: Option<&'a str>,
    other_ways: Vec<OtherWay>,
}

/// A way in without a password.
struct OtherWay {
    path: String,
    text: String,
}

/// The ways that this instance offers, each leading on to the same page.
fn other_ways(portal: &Portal, next: Option<&LocalPath>) -> Vec<OtherWay> {
    let on = |path: String| with_next(&path, next);
    let mut ways = Vec::new();
    if portal.passkeys.is_some() {
        ways.push(OtherWay { path: on("/sign-in/passkey".to_owned()), text: "Use a passkey".to_owned() });
    }
    ways.extend(portal.providers.list().map(|(id, name)| OtherWay {
        path: on(format!("/sign-in/with/{id}")),
        text: format!("Continue with {name}"),
    }));
    ways
}

fn form(
    portal: &Portal,
    page: &Page,
    email: &str,
    next: Option<&LocalPath>,
    mistake: Option<&str>,
) -> Result<Response, Problem> {
    let other_ways = other_ways(portal, next);
    let next = next.map_or("", LocalPath::as_str);
    show(page, &View { page, email, next, mistake, other_ways })
}

/// `GET /sign-in`.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<NextQuery>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&query.next);
    if visitor.recognised().is_some() {
        return Ok(see_other(next.as_ref().map_or("/", LocalPath::as_str)));
    }
    form(&portal, &Page::for_visitor(&visitor, TITLE), "", next.as_ref(), None)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    device: Device,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&sent.next);
    let email = sent.email.trim();
    let attempt =
        PasswordAttempt { email, password: &sent.password, from: visitor.from, device: device.mark() };
    match portal.control.recognise(attempt).await {
        Ok(known) => {
            let password = Some(&known.password);
            let_in(&portal, &visitor, &device, &known.account, password, next.as_ref()).await
        }
        Err(error) => {
            let refusal = Refusal::of(error, WRONG)?;
            let page = Page::for_visitor(&visitor, TITLE);
            Ok(refusal.answer(form(&portal, &page, email, next.as_ref(), Some(&refusal.text))?))
        }
    }
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(NoFields {}): Posted<NoFields>,
) -> Result<Response, Problem> {
    if let Some(Recognised(signed_in)) = visitor.recognised() {
        portal.control.sign_out(&signed_in.actor(), signed_in.account.id, signed_in.session.id).await?;
    }
    let mut response = see_other_with("/", Notice::SignedOut);
    let (name, value) = cookies::clear(cookies::SESSION);
    response.headers_mut().append(name, value);
    Ok(response)
}
