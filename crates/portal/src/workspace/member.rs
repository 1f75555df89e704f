//! `/settings/members/{id}`: another role for a member, or none.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use control::{Member as Belonging, RemoveMemberError, SetMemberError};
use domain::{AccountId, Role};
use http::StatusCode;
use serde::Deserialize;

use super::members::PATH;
use super::project::Nothing;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Member, Portal, Posted, Problem, RecentAdmin};

const LAST_ADMIN: &str =
    "This is the workspace's only admin. Make another member admin first, so that somebody can manage it.";

#[derive(Template)]
#[template(path = "workspace/member.html")]
struct View<'a> {
    page: &'a Page,
    belonging: &'a Belonging,
    is_me: bool,
    keys: u64,
    error: Option<&'static str>,
}

/// Another role.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: String,
}

async fn find(portal: &Portal, member: &Member, id: &str) -> Result<Belonging, Problem> {
    let id = AccountId::parse(id).ok_or_else(Problem::not_found)?;
    portal.control.find_member(member.workspace.id, id).await?.ok_or_else(Problem::not_found)
}

async fn show(
    portal: &Portal,
    member: &Member,
    belonging: &Belonging,
    error: Option<&'static str>,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Member");
    let id = belonging.account.id;
    let keys = portal.control.count_api_keys_of(member.workspace.id, &[id]).await?;
    let view = View {
        page: &page,
        belonging,
        is_me: id == member.signed_in.account.id,
        keys: keys.get(&id).copied().unwrap_or_default(),
        error,
    };
    page::show(&page, &view)
}

async fn refuse_last_admin(
    portal: &Portal,
    member: &Member,
    belonging: &Belonging,
) -> Result<Response, Problem> {
    let shown = show(portal, member, belonging, Some(LAST_ADMIN)).await?;
    Ok((StatusCode::CONFLICT, shown).into_response())
}

/// `GET /settings/members/{id}`.
pub(super) async fn get(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let belonging = find(&portal, &member, &id).await?;
    show(&portal, &member, &belonging, None).await
}

/// `POST /settings/members/{id}`: another role.
pub(super) async fn change(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Path(id): Path<String>,
    Posted(form): Posted<NewRole>,
) -> Result<Response, Problem> {
    let role = Role::from_name(&form.role).ok_or_else(|| Problem::bad_form("A role is admin or member."))?;
    let belonging = find(&portal, &member, &id).await?;
    match portal.control.change_role(&member.actor(), member.workspace.id, belonging.account.id, role).await {
        Ok(_) => Ok(see_other_with(PATH, Notice::Saved)),
        Err(SetMemberError::LastAdmin) => refuse_last_admin(&portal, &member, &belonging).await,
        Err(SetMemberError::WorkspaceNotFound | SetMemberError::AccountNotFound) => Err(Problem::not_found()),
        Err(SetMemberError::Store(error)) => Err(error.into()),
    }
}

/// `POST /settings/members/{id}/remove`.
pub(super) async fn remove(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let belonging = find(&portal, &member, &id).await?;
    let is_me = belonging.account.id == member.signed_in.account.id;
    match portal.control.remove_member(&member.actor(), member.workspace.id, belonging.account.id).await {
        Ok(()) if is_me => Ok(see_other_with("/settings/workspaces", Notice::MemberRemoved)),
        Ok(()) => Ok(see_other_with(PATH, Notice::MemberRemoved)),
        Err(RemoveMemberError::LastAdmin) => refuse_last_admin(&portal, &member, &belonging).await,
        Err(RemoveMemberError::NotFound) => Err(Problem::not_found()),
        Err(RemoveMemberError::Store(error)) => Err(error.into()),
    }
}
