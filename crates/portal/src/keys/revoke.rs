//! Revoking a key, after it was said what ends with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::RevokeKeyError;

use super::words::KeyRow;
use super::{count_open, key_of};
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Member, Page, Portal, Posted, Problem};

/// A form with nothing but buttons.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmed {}

#[derive(Template)]
#[template(path = "keys/revoke.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    open: String,
}

/// Asks.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let listed = key_of(&portal, &member, &id).await?;
    if listed.key.state.revoked_at().is_some() {
        return Ok(see_other_with(&format!("{}/{}", super::PATH, listed.key.id), Notice::RevokedBefore));
    }
    let page = Page::for_member(&member, "Revoke this key?");
    let open = count_open(&portal, &member, listed.key.id).await.sentence();
    show(&page, &View { page: &page, key: KeyRow::of(&page, &listed), open })
}

/// Does it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Posted(Confirmed {}): Posted<Confirmed>,
) -> Result<Response, Problem> {
    let id = key_of(&portal, &member, &id).await?.key.id;
    let notice = match portal.control.revoke_key(&member.actor(), member.workspace.id, id).await {
        Ok(_) => Notice::KeyRevoked,
        Err(RevokeKeyError::AlreadyRevoked) => Notice::RevokedBefore,
        Err(RevokeKeyError::NotFound) => return Err(Problem::not_found()),
        Err(RevokeKeyError::Store(error)) => return Err(error.into()),
    };
    Ok(see_other_with(&format!("{}/{id}", super::PATH), notice))
}
