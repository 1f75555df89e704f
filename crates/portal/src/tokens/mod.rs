//! Settings > Management tokens: made, listed, revoked; by admins alone, since a token may do more than a member.

mod create;
mod list;
mod permissions;
mod revoke;

use axum::Router;
use axum::routing::get;
use control::StoreError;
use domain::{ManagementToken, ManagementTokenId};

use crate::web::{Member, Portal, Problem};

/// Where the list is.
const PATH: &str = "/settings/management-tokens";

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(PATH, get(list::get).post(create::post))
        .route("/settings/management-tokens/{id}/revoke", get(revoke::get).post(revoke::post))
}

/// A token of the member's workspace. Another's looks like none.
async fn token_of(portal: &Portal, member: &Member, id: &str) -> Result<ManagementToken, Problem> {
    let id = ManagementTokenId::parse(id).ok_or_else(Problem::not_found)?;
    let found: Result<_, StoreError> = portal.control.find_management_token(member.workspace.id, id).await;
    found?.ok_or_else(Problem::not_found)
}
