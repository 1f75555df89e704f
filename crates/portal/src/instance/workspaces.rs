//! `/instance/workspaces`: all that are open.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::PageRequest;
use domain::Workspace;

use crate::web::page::{self, Page};
use crate::web::paging::{PageQuery, ROWS_PER_PAGE};
use crate::web::{InstanceOperator, Portal, Problem};
use crate::workspace::list::{Pager, read_place, write_place};

/// The list.
pub(super) const PATH: &str = "/instance/workspaces";

#[derive(Template)]
#[template(path = "instance/workspaces.html")]
struct View<'a> {
    page: &'a Page,
    search: String,
    rows: Vec<Workspace>,
    pager: Pager,
}

/// `GET /instance/workspaces`.
pub(super) async fn list(
    State(portal): State<Portal>,
    InstanceOperator(signed_in): InstanceOperator,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Workspaces");
    let search = query.search();
    let request = PageRequest { after: read_place(query.after.as_deref())?, limit: ROWS_PER_PAGE };
    let found = portal.control.search_workspaces(search.as_deref(), &request).await?;
    let view = View {
        page: &page,
        search: search.unwrap_or_default(),
        pager: Pager::of(PATH, &query, found.next.as_ref().map(write_place)),
        rows: found.items.into_iter().map(|(workspace, _)| workspace).collect(),
    };
    page::show(&page, &view)
}
