//! The audit log: who did what to what, when, from where. It is read here; no route changes it.

pub(crate) mod ask;
pub(crate) mod file;
pub(crate) mod page;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;

use self::ask::Address;
use self::page::Scope;
use crate::web::{Admin, Page, Portal, Problem};

/// Where the log of a workspace is.
const PATH: &str = "/settings/audit-log";

/// The pages of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route(PATH, get(show)).route("/settings/audit-log/download", get(download))
}

/// `GET /settings/audit-log`.
async fn show(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Audit log");
    let scope = Scope { path: PATH, workspace_id: Some(member.workspace.id) };
    page::show(&portal, &page, &member.signed_in.account, &scope, &address).await
}

/// `GET /settings/audit-log/download`.
async fn download(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    file::answer(&portal, &member.signed_in.account, Some(member.workspace.id), &address).await
}
