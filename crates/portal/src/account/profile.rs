//! `/settings/profile`: what an account is, and the ways to change it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::ChangeAccountError;
use serde::Deserialize;

use crate::web::notice::Notice;
use crate::web::page::{show, with_mistakes};
use crate::web::redirect::see_other_with;
use crate::web::time::Zone;
use crate::web::{Page, Portal, Posted, Problem, SignedIn};

const PATH: &str = "/settings/profile";

#[derive(Template)]
#[template(path = "account/profile.html")]
struct View<'a> {
    page: &'a Page,
    email: &'a str,
    is_confirmed: bool,
    time_zone: &'a str,
    zones: Vec<String>,
    mistake: Option<&'a str>,
}

fn view(signed_in: &SignedIn, time_zone: &str, mistake: Option<&str>) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, "Profile");
    let account = &signed_in.account;
    let view = View {
        page: &page,
        email: &account.email,
        is_confirmed: account.email_verified_at.is_some(),
        time_zone,
        zones: zones(),
        mistake,
    };
    show(&page, &view)
}

/// The zones that people choose from: those of places, and UTC.
fn zones() -> Vec<String> {
    let known = jiff::tz::db().available().map(|name| name.as_str().to_owned());
    let is_place = |name: &String| {
        let region = name.split_once('/').map(|(region, _)| region);
        region.is_some_and(|region| !matches!(region, "Etc" | "posix" | "right" | "SystemV" | "US"))
    };
    let mut zones: Vec<String> = known.filter(is_place).collect();
    zones.sort_unstable();
    zones.dedup();
    zones.insert(0, domain::TIME_ZONE_DEFAULT.to_owned());
    zones
}

/// `GET /settings/profile`.
pub(super) async fn get(signed_in: SignedIn) -> Result<Response, Problem> {
    view(&signed_in, &signed_in.account.time_zone, None)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    time_zone: String,
}

/// `POST /settings/profile`: another time zone.
pub(super) async fn post(
    State(portal): State<Portal>,
    signed_in: SignedIn,
    Posted(sent): Posted<Form>,
) -> Result<Response, Problem> {
    if Zone::parse(&sent.time_zone).is_none() {
        let mistake = Some("There is no such time zone: choose one of the list.");
        return Ok(with_mistakes(view(&signed_in, &signed_in.account.time_zone, mistake)?));
    }
    let account_id = signed_in.account.id;
    match portal.control.set_time_zone(&signed_in.actor(), account_id, &sent.time_zone).await {
        Ok(()) => Ok(see_other_with(PATH, Notice::Saved)),
        Err(ChangeAccountError::AccountNotFound) => Err(Problem::not_found()),
        Err(ChangeAccountError::Store(error)) => Err(error.into()),
    }
}
