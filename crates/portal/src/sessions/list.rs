//! The list of live sessions: as a page, and as the piece of it that a script refreshes.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::Region;

use super::address::{Address, Wrong};
use super::rows::SessionRow;
use crate::web::page::{show, show_form};
use crate::web::paging::ROWS_PER_PAGE;
use crate::web::{Member, Page, Portal, Problem};

#[derive(Template)]
#[template(path = "sessions/page.html")]
struct View<'a> {
    page: &'a Page,
    address: &'a Address,
    wrong: Wrong,
    regions: Vec<&'static str>,
    refresh: String,
    list: List,
}

#[derive(Template)]
#[template(path = "sessions/fragment.html")]
struct Fragment {
    list: List,
}

/// What is open.
#[derive(Debug, Clone, Default)]
struct List {
    sessions: Vec<SessionRow>,
    total: usize,
    /// Gateways that didn't answer.
    pending: Vec<String>,
    is_narrowed: bool,
    first: Option<String>,
    next: Option<String>,
}

/// Shows the page.
pub(crate) async fn page(
    State(portal): State<Portal>,
    member: Member,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Live sessions");
    let (list, wrong) = match list(&portal, &member, &page, &address).await? {
        Ok(list) => (list, Wrong::default()),
        Err(wrong) => (List { is_narrowed: true, ..List::default() }, wrong),
    };
    let view = View {
        page: &page,
        address: &address,
        regions: Region::ALL.iter().map(|region| region.as_str()).collect(),
        refresh: address.link("/sessions/list"),
        list,
        wrong,
    };
    show_form(&page, &view, view.wrong != Wrong::default())
}

/// Shows the list alone.
pub(crate) async fn fragment(
    State(portal): State<Portal>,
    member: Member,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Live sessions");
    let list = list(&portal, &member, &page, &address).await?;
    show(&page, &Fragment { list: list.map_err(|_| Problem::not_found())? })
}

async fn list(
    portal: &Portal,
    member: &Member,
    page: &Page,
    address: &Address,
) -> Result<Result<List, Wrong>, Problem> {
    let filter = match address.filter() {
        Ok(filter) => filter,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let workspace_id = member.workspace.id;
    let open = portal.control.gateways().list_sessions(workspace_id, filter).await;
    let rows_max = usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let total = open.sessions.len();
    let mut shown: Vec<_> = open
        .sessions
        .into_iter()
        .rev()
        .filter(|session| address.is_beyond(session))
        .take(rows_max + 1)
        .collect();
    let has_more = shown.len() > rows_max;
    shown.truncate(rows_max);
    let mut ids: Vec<_> = shown.iter().map(|session| session.api_key_id).collect();
    ids.sort();
    ids.dedup();
    let names = portal.control.key_names(workspace_id, &ids).await?;
    let row = |session| {
        let session: &domain::link::SessionInfo = session;
        SessionRow::of(page, session, names.get(&session.api_key_id).map(String::as_str))
    };
    Ok(Ok(List {
        sessions: shown.iter().map(row).collect(),
        total,
        pending: open.pending,
        is_narrowed: address.is_narrowed(),
        first: (!address.after.is_empty()).then(|| address.first().link("/sessions")),
        next: shown.last().filter(|_| has_more).map(|last| address.after(last).link("/sessions")),
    }))
}
