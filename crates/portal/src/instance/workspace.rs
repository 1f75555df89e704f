//! `/instance/workspaces/{id}`: one workspace: its plan and limits, its end.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::{ChangeWorkspaceError, CloseWorkspaceError, Member, PageRequest, WorkspaceChange};
use domain::{Plan, PlanLimits, Workspace, WorkspaceId};
use serde::Deserialize;

use super::limits::Fields;
use super::workspaces::PATH;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::paging::ROWS_PER_PAGE;
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem, RecentOperator, SignedIn};

#[derive(Template)]
#[template(path = "instance/workspace.html")]
struct View<'a> {
    page: &'a Page,
    workspace: &'a Workspace,
    limits: PlanLimits,
    plans: &'static [Plan],
    form: Fields,
    error: Option<&'static str>,
    members: Vec<Member>,
    has_more_members: bool,
}

#[derive(Template)]
#[template(path = "instance/close_workspace.html")]
struct CloseView<'a> {
    page: &'a Page,
    workspace: &'a Workspace,
    keys: u64,
    error: Option<&'static str>,
}

/// What is typed to close it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    name: String,
}

async fn find(portal: &Portal, id: &str) -> Result<Workspace, Problem> {
    let id = WorkspaceId::parse(id).ok_or_else(Problem::not_found)?;
    portal.control.find_workspace(id).await?.ok_or_else(Problem::not_found)
}

/// `GET /instance/workspaces/{id}`.
pub(super) async fn get(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let workspace = find(&portal, &id).await?;
    let form = Fields::of(workspace.plan.as_str(), &workspace.own_limits);
    show(&portal, &signed_in, &workspace, form, None).await
}

async fn show(
    portal: &Portal,
    signed_in: &SignedIn,
    workspace: &Workspace,
    form: Fields,
    error: Option<&'static str>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, &workspace.name);
    let request = PageRequest { after: None, limit: ROWS_PER_PAGE };
    let members = portal.control.page_members(workspace.id, None, &request).await?;
    let view = View {
        page: &page,
        workspace,
        limits: portal.control.limits_of(workspace),
        plans: Plan::ALL,
        form,
        error,
        has_more_members: members.next.is_some(),
        members: members.items,
    };
    page::show(&page, &view)
}

/// `POST /instance/workspaces/{id}`.
pub(super) async fn change(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
    Posted(form): Posted<Fields>,
) -> Result<Response, Problem> {
    let workspace = find(&portal, &id).await?;
    let plan = Plan::from_name(&form.plan).ok_or_else(|| Problem::bad_form("There is no such plan."))?;
    let own_limits = match form.read(workspace.own_limits) {
        Ok(own_limits) => own_limits,
        Err(sentence) => {
            let shown = show(&portal, &signed_in, &workspace, form, Some(sentence)).await?;
            return Ok(page::with_mistakes(shown));
        }
    };
    let changes =
        WorkspaceChange { plan: Some(plan), own_limits: Some(own_limits), ..WorkspaceChange::default() };
    match portal.control.change_workspace(&signed_in.actor(), workspace.id, changes).await {
        Ok(_) => Ok(see_other_with(&format!("{PATH}/{}", workspace.id), Notice::Saved)),
        Err(ChangeWorkspaceError::NotFound | ChangeWorkspaceError::InvalidName) => Err(Problem::not_found()),
        Err(ChangeWorkspaceError::Store(error)) => Err(error.into()),
    }
}

/// `GET /instance/workspaces/{id}/close`.
pub(super) async fn ask(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let workspace = find(&portal, &id).await?;
    show_close(&portal, &signed_in, &workspace, None).await
}

async fn show_close(
    portal: &Portal,
    signed_in: &SignedIn,
    workspace: &Workspace,
    error: Option<&'static str>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, "Close a workspace");
    let keys = portal.control.count_usable_keys(workspace.id).await?.values().sum();
    page::show(&page, &CloseView { page: &page, workspace, keys, error })
}

/// `POST /instance/workspaces/{id}/close`.
pub(super) async fn close(
    State(portal): State<Portal>,
    RecentOperator(signed_in): RecentOperator,
    Path(id): Path<String>,
    Posted(form): Posted<Confirmation>,
) -> Result<Response, Problem> {
    let workspace = find(&portal, &id).await?;
    if form.name.trim() != workspace.name.trim() {
        let error = Some("This is not the workspace's name. Nothing was closed.");
        let shown = show_close(&portal, &signed_in, &workspace, error).await?;
        return Ok(page::with_mistakes(shown));
    }
    match portal.control.close_workspace(&signed_in.actor(), workspace.id).await {
        Ok(_) => Ok(see_other_with(PATH, Notice::WorkspaceClosed)),
        Err(CloseWorkspaceError::NotFound) => Err(Problem::not_found()),
        Err(CloseWorkspaceError::Store(error)) => Err(error.into()),
    }
}
