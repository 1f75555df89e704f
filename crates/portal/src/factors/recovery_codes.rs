//! `/settings/security/recovery-codes`: made anew, and shown once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::RecoveryCodes;
use serde::Deserialize;

use super::certain::Certain;
use super::{notify, problem};
use crate::web::page::{self, Page};
use crate::web::{Portal, Posted, Problem, SignedIn};

#[derive(Template)]
#[template(path = "factors/codes.html")]
struct Codes<'a> {
    page: &'a Page,
    done: &'a str,
    codes: Vec<&'a str>,
}

/// Says what was done, and shows new recovery codes where there are some.
pub(super) fn show_codes(
    signed_in: &SignedIn,
    done: &str,
    codes: Option<&RecoveryCodes>,
) -> Result<Response, Problem> {
    let codes: Vec<&str> = codes.map(|codes| codes.iter().collect()).unwrap_or_default();
    let page = Page::for_signed_in(signed_in, "Security");
    page::show(&page, &Codes { page: &page, done, codes })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {}

/// `POST /settings/security/recovery-codes`.
pub(super) async fn post(
    State(portal): State<Portal>,
    Certain(signed_in): Certain,
    Posted(Form {}): Posted<Form>,
) -> Result<Response, Problem> {
    let made = portal.control.make_recovery_codes(&signed_in.actor(), signed_in.account.id).await;
    let codes = made.map_err(problem)?;
    notify(&portal, &signed_in.account, "New recovery codes were made for your account at Voxgate.");
    show_codes(&signed_in, "Your former recovery codes are good no more.", Some(&codes))
}
