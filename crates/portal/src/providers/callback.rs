//! `/sign-in/with/{provider}/callback`: back from the provider.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use control::{Browser, ProviderCallback, ProviderPurpose, ProviderUser, SignInError};
use serde::Deserialize;

use super::problem_of;
use crate::factors::enter_anew;
use crate::web::page::{self, Page};
use crate::web::redirect::LocalPath;
use crate::web::visit::Turned;
use crate::web::{Portal, Problem, SignedIn, Visitor};

/// What a provider sends along. Others send more than is asked for; that is left alone.
#[derive(Deserialize, Default)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "providers/unknown.html")]
struct Unknown<'a> {
    page: &'a Page,
    provider: &'a str,
    id: &'a str,
    label: &'a str,
    email: &'a str,
    ticket: Option<String>,
    next: &'a str,
}

#[derive(Template)]
#[template(path = "providers/confirm.html")]
struct Confirm<'a> {
    page: &'a Page,
    provider: &'a str,
    label: &'a str,
    ticket: &'a str,
}

/// `GET /sign-in/with/{provider}/callback`.
pub(super) async fn get(
    State(portal): State<Portal>,
    visitor: Visitor,
    signed_in: Result<SignedIn, Turned>,
    Path(provider): Path<String>,
    Query(answer): Query<Answer>,
) -> Result<Response, Problem> {
    let callback = ProviderCallback {
        state: answer.state.as_deref(),
        code: answer.code.as_deref(),
        iss: answer.iss.as_deref(),
        error: answer.error.as_deref(),
    };
    let finished =
        portal.control.finish_provider(&portal.providers, &provider, &visitor.form_token, callback).await;
    let (user, purpose) = finished.map_err(|error| problem_of(&provider, error))?;
    let name = portal.providers.name_of(&provider).unwrap_or_default();
    match purpose {
        ProviderPurpose::SignIn { next } => {
            let next = next.as_deref().and_then(LocalPath::parse);
            sign_in(&portal, &visitor, &user, name, next.as_ref()).await
        }
        ProviderPurpose::Link { account_id } => {
            let signed_in = signed_in.ok().filter(|signed_in| signed_in.account.id == account_id);
            let signed_in = signed_in.ok_or_else(Problem::form_expired)?;
            let bound_to = signed_in.session.id.to_string();
            let ticket = portal.control.offer_identity(&bound_to, &user);
            let ticket = ticket.map_err(|error| Problem::internal(&error))?;
            let page = Page::for_signed_in(&signed_in, "Link an account");
            page::show(&page, &Confirm { page: &page, provider: name, label: &user.label, ticket: &ticket })
        }
    }
}

async fn sign_in(
    portal: &Portal,
    visitor: &Visitor,
    user: &ProviderUser,
    name: &str,
    next: Option<&LocalPath>,
) -> Result<Response, Problem> {
    let browser = Browser { name: &visitor.browser, from: Some(visitor.from) };
    match portal.control.sign_in_with_identity(user, browser).await {
        Ok(Some(begun)) => enter_anew(portal, visitor, &begun, next).await,
        Ok(None) => {
            let page = Page::for_visitor(visitor, "No account yet");
            let ticket = portal.control.offer_account(&visitor.form_token, user);
            let template = Unknown {
                page: &page,
                provider: name,
                id: &user.provider,
                label: &user.label,
                email: user.verified_email.as_deref().unwrap_or_default(),
                ticket: ticket.map_err(|error| Problem::internal(&error))?,
                next: next.map_or("/", LocalPath::as_str),
            };
            page::show(&page, &template)
        }
        Err(SignInError::NotAllowed) => Err(Problem::forbidden("This account can't sign in.")),
        Err(SignInError::Over) => Err(Problem::form_expired()),
        Err(SignInError::Store(error)) => Err(error.into()),
    }
}
