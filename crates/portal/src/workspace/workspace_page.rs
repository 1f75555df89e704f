//! `/settings/workspace`: its name and home area, and its end.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::{ChangeWorkspaceError, CloseWorkspaceError, WorkspaceChange};
use domain::link::SessionFilter;
use domain::{Area, Workspace};
use serde::Deserialize;

use super::said;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Admin, Member, Portal, Posted, Problem, RecentAdmin};

/// Where the form is sent.
const PATH: &str = "/settings/workspace";

#[derive(Template)]
#[template(path = "workspace/workspace.html")]
struct View<'a> {
    page: &'a Page,
    workspace: &'a Workspace,
    is_admin: bool,
    name: &'a str,
    home_area: &'a str,
    areas: Vec<&'static str>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "workspace/close.html")]
struct CloseView<'a> {
    page: &'a Page,
    workspace: &'a Workspace,
    projects: u64,
    keys: u64,
    sessions: usize,
    error: Option<&'static str>,
}

/// What is changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    name: String,
    home_area: String,
}

/// What is typed to close it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    name: String,
}

/// The areas that this instance has a region in.
pub(super) fn areas(portal: &Portal) -> Vec<&'static str> {
    let has = |area: &Area| portal.config.endpoints.regions.iter().any(|region| region.area == area.as_str());
    Area::ALL.iter().filter(|area| has(area)).map(|area| area.as_str()).collect()
}

/// An area of this instance by its name.
pub(super) fn area(portal: &Portal, name: &str) -> Result<Area, Problem> {
    let known = areas(portal).contains(&name);
    Area::from_name(name)
        .filter(|_| known)
        .ok_or_else(|| Problem::bad_form("This instance has no such area."))
}

/// `GET /settings/workspace`.
pub(super) async fn get(State(portal): State<Portal>, member: Member) -> Result<Response, Problem> {
    let name = member.workspace.name.clone();
    let home_area = member.workspace.home_area.as_str();
    show(&portal, &member, &name, home_area, None)
}

fn show(
    portal: &Portal,
    member: &Member,
    name: &str,
    home_area: &str,
    error: Option<String>,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Workspace");
    let mut areas = areas(portal);
    // A region may have been taken out of the configuration since.
    if !areas.contains(&member.workspace.home_area.as_str()) {
        areas.push(member.workspace.home_area.as_str());
    }
    let view = View {
        page: &page,
        workspace: &member.workspace,
        is_admin: member.is_admin(),
        name,
        home_area,
        areas,
        error,
    };
    page::show(&page, &view)
}

/// `POST /settings/workspace`.
pub(super) async fn change(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Posted(form): Posted<Change>,
) -> Result<Response, Problem> {
    let home_area = match Area::from_name(&form.home_area) {
        Some(area) if area == member.workspace.home_area => area,
        _ => area(&portal, &form.home_area)?,
    };
    let changes = WorkspaceChange {
        name: Some(form.name.clone()),
        home_area: Some(home_area),
        ..WorkspaceChange::default()
    };
    match portal.control.change_workspace(&member.actor(), member.workspace.id, changes).await {
        Ok(_) => Ok(see_other_with(PATH, Notice::Saved)),
        Err(ChangeWorkspaceError::NotFound) => Err(Problem::not_found()),
        Err(error @ ChangeWorkspaceError::InvalidName) => {
            let shown = show(&portal, &member, &form.name, home_area.as_str(), Some(said(&error)))?;
            Ok(page::with_mistakes(shown))
        }
        Err(ChangeWorkspaceError::Store(error)) => Err(error.into()),
    }
}

/// `GET /settings/workspace/close`.
pub(super) async fn ask(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
) -> Result<Response, Problem> {
    show_close(&portal, &member, None).await
}

async fn show_close(
    portal: &Portal,
    member: &Member,
    error: Option<&'static str>,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Close this workspace");
    let id = member.workspace.id;
    let control = &portal.control;
    let view = CloseView {
        page: &page,
        workspace: &member.workspace,
        projects: control.count_projects(id).await?,
        keys: control.count_usable_keys(id).await?.values().sum(),
        sessions: control.gateways().list_sessions(id, SessionFilter::default()).await.sessions.len(),
        error,
    };
    page::show(&page, &view)
}

/// `POST /settings/workspace/close`.
pub(super) async fn close(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Posted(form): Posted<Confirmation>,
) -> Result<Response, Problem> {
    if form.name.trim() != member.workspace.name.trim() {
        let shown =
            show_close(&portal, &member, Some("This is not the workspace's name. Nothing was closed."))
                .await?;
        return Ok(page::with_mistakes(shown));
    }
    match portal.control.close_workspace(&member.actor(), member.workspace.id).await {
        Ok(_) => Ok(see_other_with("/settings/workspaces", Notice::WorkspaceClosed)),
        Err(CloseWorkspaceError::NotFound) => Err(Problem::not_found()),
        Err(CloseWorkspaceError::Store(error)) => Err(error.into()),
    }
}
