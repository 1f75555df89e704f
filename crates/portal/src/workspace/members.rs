//! `/settings/members`: who belongs to the workspace, and who is invited.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{Member as Belonging, PageRequest};
use domain::{AccountId, Invitation, Timestamp};
use serde::Deserialize;

use super::list::{Pager, read_place, write_place};
use crate::web::page::{self, Page};
use crate::web::paging::{PageQuery, ROWS_PER_PAGE};
use crate::web::{Admin, Member, Portal, Problem};

/// The list.
pub(super) const PATH: &str = "/settings/members";
/// The list of those who are invited.
pub(super) const INVITATIONS_PATH: &str = "/settings/members/invitations";

#[derive(Template)]
#[template(path = "workspace/members.html")]
struct View<'a> {
    page: &'a Page,
    is_admin: bool,
    me: AccountId,
    search: String,
    members: Vec<Belonging>,
    keys: HashMap<AccountId, u64>,
    pager: Pager,
}

impl View<'_> {
    fn keys_of(&self, id: &AccountId) -> u64 {
        self.keys.get(id).copied().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "workspace/invitations.html")]
struct InvitationsView<'a> {
    page: &'a Page,
    now: Timestamp,
    invitations: Vec<Invitation>,
    pager: Pager,
}

/// Which page of the invitations.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct After {
    after: Option<String>,
}

/// `GET /settings/members`.
pub(super) async fn list(
    State(portal): State<Portal>,
    member: Member,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let (control, workspace_id) = (&portal.control, member.workspace.id);
    let request = PageRequest { after: read_place(query.after.as_deref())?, limit: ROWS_PER_PAGE };
    let search = query.search();
    let found = control.page_members(workspace_id, search.as_deref(), &request).await?;
    let ids: Vec<AccountId> = found.items.iter().map(|belonging| belonging.account.id).collect();
    let page = Page::for_member(&member, "Members");
    let view = View {
        page: &page,
        is_admin: member.is_admin(),
        me: member.signed_in.account.id,
        search: search.unwrap_or_default(),
        keys: control.count_api_keys_of(workspace_id, &ids).await?,
        pager: Pager::of(PATH, &query, found.next.as_ref().map(write_place)),
        members: found.items,
    };
    page::show(&page, &view)
}

/// `GET /settings/members/invitations`.
pub(super) async fn invitations(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Query(query): Query<After>,
) -> Result<Response, Problem> {
    let request = PageRequest { after: read_place(query.after.as_deref())?, limit: ROWS_PER_PAGE };
    let found = portal.control.page_invitations(member.workspace.id, &request).await?;
    let page = Page::for_member(&member, "Invitations");
    let next = found.next.as_ref().map(write_place);
    let view = InvitationsView {
        page: &page,
        now: portal.control.now(),
        pager: Pager::new(INVITATIONS_PATH, &[], query.after.is_none(), next),
        invitations: found.items,
    };
    page::show(&page, &view)
}
