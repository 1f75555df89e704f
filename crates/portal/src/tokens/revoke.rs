//! Revoking a management token.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::RevokeTokenError;

use super::list::TokenRow;
use super::token_of;
use crate::keys::Confirmed;
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Admin, Page, Portal, Posted, Problem};

#[derive(Template)]
#[template(path = "tokens/revoke.html")]
struct View<'a> {
    page: &'a Page,
    token: TokenRow,
}

/// Asks.
pub(crate) async fn get(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let token = token_of(&portal, &member, &id).await?;
    if token.state.revoked_at().is_some() {
        return Ok(see_other_with(super::PATH, Notice::TokenRevoked));
    }
    let page = Page::for_member(&member, "Revoke this token?");
    show(&page, &View { page: &page, token: TokenRow::of(&page, &token) })
}

/// Does it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Path(id): Path<String>,
    Posted(Confirmed {}): Posted<Confirmed>,
) -> Result<Response, Problem> {
    let id = token_of(&portal, &member, &id).await?.id;
    match portal.control.revoke_management_token(&member.actor(), member.workspace.id, id).await {
        Ok(_) | Err(RevokeTokenError::AlreadyRevoked) => {
            Ok(see_other_with(super::PATH, Notice::TokenRevoked))
        }
        Err(RevokeTokenError::NotFound) => Err(Problem::not_found()),
        Err(RevokeTokenError::Store(error)) => Err(error.into()),
    }
}
