//! `/instance/audit-log`: the log of everything.

use axum::extract::{Query, State};
use axum::response::Response;

use crate::audit::ask::Address;
use crate::audit::file;
use crate::audit::page::{self, Scope};
use crate::web::{InstanceOperator, Page, Portal, Problem};

/// `GET /instance/audit-log`.
pub(super) async fn show(
    State(portal): State<Portal>,
    InstanceOperator(signed_in): InstanceOperator,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Audit log of the instance");
    let scope = Scope { path: "/instance/audit-log", workspace_id: None };
    page::show(&portal, &page, &signed_in.account, &scope, &address).await
}

/// `GET /instance/audit-log/download`.
pub(super) async fn download(
    State(portal): State<Portal>,
    InstanceOperator(signed_in): InstanceOperator,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    file::answer(&portal, &signed_in.account, None, &address).await
}
