//! `/instance/accounts`: all of them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::PageRequest;
use domain::Account;

use crate::web::page::{self, Page};
use crate::web::paging::{PageQuery, ROWS_PER_PAGE};
use crate::web::{InstanceOperator, Portal, Problem};
use crate::workspace::list::{Pager, read_place, write_place};

/// The list.
pub(super) const PATH: &str = "/instance/accounts";

#[derive(Template)]
#[template(path = "instance/accounts.html")]
struct View<'a> {
    page: &'a Page,
    search: String,
    rows: Vec<Account>,
    pager: Pager,
}

/// `GET /instance/accounts`.
pub(super) async fn list(
    State(portal): State<Portal>,
    InstanceOperator(signed_in): InstanceOperator,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Accounts");
    let search = query.search();
    let request = PageRequest { after: read_place(query.after.as_deref())?, limit: ROWS_PER_PAGE };
    let found = portal.control.search_accounts(search.as_deref(), &request).await?;
    let view = View {
        page: &page,
        search: search.unwrap_or_default(),
        pager: Pager::of(PATH, &query, found.next.as_ref().map(write_place)),
        rows: found.items,
    };
    page::show(&page, &view)
}
