//! `/confirm`: whoever is signed in proves again who they are, before what matters most. With a second factor it is the whole
//! sign-in once more, so that whoever lacks the one that this instance demands comes here, too.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::FactorDemand;
use domain::PortalSessionState;
use serde::Deserialize;

use super::NextQuery;
use super::entry::{Device, let_in, refused};
use super::refused::Refusal;
use crate::factors::enter;
use crate::web::page::show;
use crate::web::redirect::{LocalPath, with_next};
use crate::web::{Page, Portal, Posted, Problem, Recognised, SignedIn};

const TITLE: &str = "Confirm that it is you";
const WRONG: &str = "The password is wrong.";

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    next: &'a str,
    mistake: Option<&'a str>,
    /// Whether it is the second factor that is missing.
    lacks_factor: bool,
    passkey_path: Option<String>,
}

async fn form(
    portal: &Portal,
    signed_in: &SignedIn,
    next: Option<&LocalPath>,
    mistake: Option<&str>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, TITLE);
    let demand = portal.control.factor_demand(&signed_in.session).await?;
    let page = if demand == FactorDemand::Nothing { page } else { page.without_ways() };
    let has_passkeys = portal.control.second_factors(signed_in.account.id).await?.passkeys > 0;
    let passkey = "/sign-in/passkey";
    let passkey_path = with_next(passkey, next);
    let view = View {
        page: &page,
        email: &signed_in.account.email,
        next: next.map_or("", LocalPath::as_str),
        mistake,
        lacks_factor: demand == FactorDemand::Show,
        passkey_path: has_passkeys.then_some(passkey_path),
    };
    show(&page, &view)
}

/// `GET /confirm`.
pub(super) async fn get(
    State(portal): State<Portal>,
    Recognised(signed_in): Recognised,
    Query(query): Query<NextQuery>,
) -> Result<Response, Problem> {
    form(&portal, &signed_in, LocalPath::parse(&query.next).as_ref(), None).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /confirm`.
pub(super) async fn post(
    State(portal): State<Portal>,
    Recognised(signed_in): Recognised,
    device: Device,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    let next = LocalPath::parse(&sent.next);
    let (control, visitor) = (&portal.control, signed_in.visitor());
    let password = match control.confirm_password(signed_in.account.id, &sent.password, visitor.from).await {
        Ok(password) => password,
        Err(error) => {
            let refusal = Refusal::of(error, WRONG)?;
            return Ok(refusal.answer(form(&portal, &signed_in, next.as_ref(), Some(&refusal.text)).await?));
        }
    };
    if !control.second_factors(signed_in.account.id).await?.is_none() {
        return let_in(&portal, &visitor, &device, &signed_in.account, Some(&password), next.as_ref()).await;
    }
    let begun = control
        .confirm_portal_session(&signed_in.actor(), &signed_in.secret, &password)
        .await
        .map_err(refused)?;
    debug_assert_eq!(begun.session.state, PortalSessionState::Open);
    Ok(enter(&begun, next.as_ref()))
}
