//! `/instance/signing-keys`: what signs temporary keys.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{SignFrom, SigningKeyError, SigningKeyInfo};
use serde::Deserialize;

use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem, RecentOperator};
use crate::workspace::said;

const PATH: &str = "/instance/signing-keys";

#[derive(Template)]
#[template(path = "instance/signing_keys.html")]
struct View<'a> {
    page: &'a Page,
    keys: Vec<SigningKeyInfo>,
}

/// When the next key begins to sign.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    from: String,
}

/// `GET /instance/signing-keys`.
pub(super) async fn get(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Signing keys");
    let keys = portal.control.signing_keys().await?;
    page::show(&page, &View { page: &page, keys })
}

/// `POST /instance/signing-keys`.
pub(super) async fn rotate(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Posted(form): Posted<Rotation>,
) -> Result<Response, Problem> {
    let from = match form.from.as_str() {
        "published-ahead" => SignFrom::PublishedAhead,
        "now" => SignFrom::Now,
        _ => return Err(Problem::bad_form("A signing key begins to sign published-ahead or now.")),
    };
    match portal.control.rotate_signing_key(&signed_in.actor(), from).await {
        Ok(_) => Ok(see_other_with(PATH, Notice::Saved)),
        Err(error @ SigningKeyError::TooMany) => Err(Problem::conflict(said(&error))),
        Err(SigningKeyError::Store(error)) => Err(error.into()),
        Err(error) => Err(Problem::internal(&error)),
    }
}
