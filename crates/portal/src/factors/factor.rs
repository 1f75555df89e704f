//! `/sign-in/factor`: the second step of a sign-in.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use control::{FactorError, PasskeyQuestion};
use credentials::PlainSecret;
use domain::{AccountId, SecondFactors};
use http::StatusCode;
use serde::Deserialize;

use super::enter::enter;
use super::sentence;
use crate::web::page::{self, Page};
use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::{Portal, Posted, Problem, Visitor};

#[derive(Template)]
#[template(path = "factors/factor.html")]
struct Ask<'a> {
    page: &'a Page,
    factors: SecondFactors,
    question: Option<PasskeyQuestion>,
    next: &'a str,
    error: Option<&'a str>,
}

/// What a sign-in on its way says of itself.
struct Pending {
    account_id: AccountId,
    secret: PlainSecret,
    bound_to: String,
}

fn pending(visitor: &Visitor) -> Option<Pending> {
    let (session, account, secret) = visitor.pending()?;
    Some(Pending { account_id: account.id, secret: secret.clone(), bound_to: session.id.to_string() })
}

/// Whose sign-in isn't on its way begins anew; whoever is in already goes on.
fn elsewhere(visitor: &Visitor, next: Option<&LocalPath>) -> Response {
    if visitor.recognised().is_some() {
        return see_other(next.map_or("/", LocalPath::as_str));
    }
    see_other(&with_next("/sign-in", next))
}

async fn show(
    portal: &Portal,
    visitor: &Visitor,
    pending: &Pending,
    next: Option<&LocalPath>,
    refused: Option<&FactorError>,
) -> Result<Response, Problem> {
    let control = &portal.control;
    let question = match portal.passkeys.as_deref() {
        Some(origin) => {
            let asked = control.ask_for_passkey_of(origin, &pending.bound_to, pending.account_id).await;
            asked.map_err(|error| Problem::internal(&error))?
        }
        None => None,
    };
    let page = Page::for_visitor(visitor, "Confirm that it is you");
    let error = refused.map(|error| sentence(error));
    let template = Ask {
        page: &page,
        factors: control.second_factors(pending.account_id).await?,
        question,
        next: next.map_or("/", LocalPath::as_str),
        error: error.as_deref(),
    };
    let mut response = page::show(&page, &template)?;
    match refused {
        None => {}
        Some(FactorError::TooMany { retry_after_seconds }) => {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            response.headers_mut().insert(http::header::RETRY_AFTER, (*retry_after_seconds).into());
        }
        Some(_) => *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY,
    }
    Ok(response)
}

#[derive(Deserialize, Default)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /sign-in/factor`.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    Query(query): Query<Next>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&query.next);
    let Some(pending) = pending(&visitor) else { return Ok(elsewhere(&visitor, next.as_ref())) };
    show(&portal, &visitor, &pending, next.as_ref(), None).await
}

/// What is entered.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Authenticator,
    RecoveryCode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeForm {
    kind: Kind,
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/factor`.
pub(super) async fn post(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(form): Posted<CodeForm>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&form.next);
    let Some(pending) = pending(&visitor) else { return Ok(elsewhere(&visitor, next.as_ref())) };
    let control = &portal.control;
    let completed = match form.kind {
        Kind::Authenticator => control.complete_with_totp(&pending.secret, &form.code).await,
        Kind::RecoveryCode => control.complete_with_recovery_code(&pending.secret, &form.code).await,
    };
    match completed {
        Ok(begun) => Ok(enter(&begun, next.as_ref())),
        Err(error) => refused(&portal, &visitor, &pending, next.as_ref(), error).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasskeyForm {
    ticket: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in/factor/passkey`.
pub(super) async fn post_passkey(
    State(portal): State<Portal>,
    visitor: Visitor,
    Posted(form): Posted<PasskeyForm>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&form.next);
    let Some(pending) = pending(&visitor) else { return Ok(elsewhere(&visitor, next.as_ref())) };
    let origin = super::passkeys::origin(&portal)?;
    let (secret, bound_to) = (&pending.secret, &pending.bound_to);
    let completed =
        portal.control.complete_with_passkey(origin, secret, bound_to, &form.ticket, &form.answer).await;
    match completed {
        Ok(begun) => Ok(enter(&begun, next.as_ref())),
        Err(error) => refused(&portal, &visitor, &pending, next.as_ref(), error).await,
    }
}

async fn refused(
    portal: &Portal,
    visitor: &Visitor,
    pending: &Pending,
    next: Option<&LocalPath>,
    error: FactorError,
) -> Result<Response, Problem> {
    match error {
        FactorError::Store(error) => Err(error.into()),
        FactorError::SignIn(_) => Ok(see_other("/sign-in").into_response()),
        FactorError::Wrong | FactorError::TooMany { .. } | FactorError::Locked | FactorError::Ticket(_) => {
            show(portal, visitor, pending, next, Some(&error)).await
        }
    }
}
