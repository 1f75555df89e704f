//! `/settings/projects/{id}`: one project: changed, deleted.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::{ChangeProjectError, DeleteProjectError};
use domain::link::SessionFilter;
use domain::{Project, ProjectId};
use serde::Deserialize;

use super::projects::{DESCRIPTION, Fields, NAME, PATH, Wrong};
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Admin, Member, Portal, Posted, Problem, RecentAdmin};

#[derive(Template)]
#[template(path = "workspace/project.html")]
struct View<'a> {
    page: &'a Page,
    is_admin: bool,
    project: &'a Project,
    keys: u64,
    form: &'a Fields,
    error: Option<Wrong>,
}

#[derive(Template)]
#[template(path = "workspace/delete_project.html")]
struct DeleteView<'a> {
    page: &'a Page,
    project: &'a Project,
    keys: u64,
    sessions: usize,
}

/// A form with nothing in it but its token.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

async fn find(portal: &Portal, member: &Member, id: &str) -> Result<Project, Problem> {
    let id = ProjectId::new(id.parse().map_err(|_| Problem::not_found())?);
    portal.control.find_project(member.workspace.id, id).await?.ok_or_else(Problem::not_found)
}

async fn keys_of(portal: &Portal, project: &Project) -> Result<u64, Problem> {
    let counts = portal.control.count_usable_keys(project.workspace_id).await?;
    Ok(counts.get(&project.id).copied().unwrap_or_default())
}

/// `GET /settings/projects/{id}`.
pub(super) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let project = find(&portal, &member, &id).await?;
    let form = Fields { name: project.name.clone(), description: project.description.clone() };
    show(&portal, &member, &project, &form, None).await
}

async fn show(
    portal: &Portal,
    member: &Member,
    project: &Project,
    form: &Fields,
    error: Option<Wrong>,
) -> Result<Response, Problem> {
    let page = Page::for_member(member, &project.name);
    let keys = keys_of(portal, project).await?;
    let view = View { page: &page, is_admin: member.is_admin(), project, keys, form, error };
    page::show(&page, &view)
}

/// `POST /settings/projects/{id}`.
pub(super) async fn change(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Path(id): Path<String>,
    Posted(form): Posted<Fields>,
) -> Result<Response, Problem> {
    let project = find(&portal, &member, &id).await?;
    let actor = member.actor();
    let changed = portal.control.change_project(&actor, member.workspace.id, project.id, form.project());
    let wrong = match changed.await {
        Ok(()) => return Ok(see_other_with(&format!("{PATH}/{}", project.id), Notice::Saved)),
        Err(ChangeProjectError::NotFound) => return Err(Problem::not_found()),
        Err(ChangeProjectError::Store(error)) => return Err(error.into()),
        Err(ChangeProjectError::InvalidName) => Wrong::Name(NAME.to_owned()),
        Err(ChangeProjectError::InvalidDescription) => Wrong::Description(DESCRIPTION.to_owned()),
    };
    let shown = show(&portal, &member, &project, &form, Some(wrong)).await?;
    Ok(page::with_mistakes(shown))
}

/// `GET /settings/projects/{id}/delete`.
pub(super) async fn ask(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let project = find(&portal, &member, &id).await?;
    let filter = SessionFilter { project_id: Some(project.id), ..SessionFilter::default() };
    let open = portal.control.gateways().list_sessions(member.workspace.id, filter).await;
    let page = Page::for_member(&member, "Delete a project");
    let keys = keys_of(&portal, &project).await?;
    let view = DeleteView { page: &page, project: &project, keys, sessions: open.sessions.len() };
    page::show(&page, &view)
}

/// `POST /settings/projects/{id}/delete`.
pub(super) async fn delete(
    State(portal): State<Portal>,
    RecentAdmin(member): RecentAdmin,
    Path(id): Path<String>,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let project = find(&portal, &member, &id).await?;
    match portal.control.delete_project(&member.actor(), member.workspace.id, project.id).await {
        Ok(_) => Ok(see_other_with(PATH, Notice::ProjectDeleted)),
        Err(DeleteProjectError::NotFound) => Err(Problem::not_found()),
        Err(DeleteProjectError::IsDefault) => Err(Problem::conflict(
            "This is the workspace's default project. Each workspace keeps one, so it can't be deleted.",
        )),
        Err(DeleteProjectError::Store(error)) => Err(error.into()),
    }
}
