//! `/settings/workspaces`, `/workspaces/new`, `/workspaces/switch`: the workspaces of whoever is signed in.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::CreateOwnWorkspaceError;
use domain::{Role, Workspace, WorkspaceId};
use serde::Deserialize;

use super::said;
use super::workspace_page::{area, areas};
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other_with;
use crate::web::{Portal, Posted, Problem, SignedIn};

/// A workspace of theirs.
struct Row {
    workspace: Workspace,
    role: Role,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "workspace/own.html")]
struct View<'a> {
    page: &'a Page,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "workspace/new.html")]
struct NewView<'a> {
    page: &'a Page,
    has_some: bool,
    name: &'a str,
    home_area: &'a str,
    areas: Vec<&'static str>,
    error: Option<String>,
}

/// Which workspace to look at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    workspace_id: String,
}

/// What to make a workspace of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: String,
    home_area: String,
}

/// `GET /settings/workspaces`.
pub(super) async fn list(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response, Problem> {
    let page = Page::for_signed_in(&signed_in, "Your workspaces");
    let memberships = portal.control.list_memberships(signed_in.account.id).await?;
    let chosen = signed_in.session.workspace_id.filter(|id| memberships.iter().any(|(of, _)| of == id));
    let current = chosen.or_else(|| memberships.first().map(|(id, _)| *id));
    let mut rows = Vec::with_capacity(memberships.len());
    for (id, role) in memberships {
        // One that was closed between the two reads is gone.
        let Some(workspace) = portal.control.find_workspace(id).await? else { continue };
        rows.push(Row { workspace, role, is_current: current == Some(id) });
    }
    page::show(&page, &View { page: &page, rows })
}

/// `POST /workspaces/switch`.
pub(super) async fn switch(
    State(portal): State<Portal>,
    signed_in: SignedIn,
    Posted(form): Posted<Switch>,
) -> Result<Response, Problem> {
    let id = WorkspaceId::parse(&form.workspace_id).ok_or_else(Problem::not_found)?;
    let memberships = portal.control.list_memberships(signed_in.account.id).await?;
    if !memberships.iter().any(|(of, _)| *of == id) {
        return Err(Problem::not_found());
    }
    portal.control.set_portal_session_workspace(signed_in.session.id, id).await?;
    Ok(see_other_with("/", Notice::WorkspaceSwitched))
}

/// `GET /workspaces/new`.
pub(super) async fn ask(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response, Problem> {
    show_new(&portal, &signed_in, "", "", None).await
}

async fn show_new(
    portal: &Portal,
    signed_in: &SignedIn,
    name: &str,
    home_area: &str,
    error: Option<String>,
) -> Result<Response, Problem> {
    let page = Page::for_signed_in(signed_in, "New workspace");
    let has_some = !portal.control.list_memberships(signed_in.account.id).await?.is_empty();
    let view = NewView { page: &page, has_some, name, home_area, areas: areas(portal), error };
    page::show(&page, &view)
}

/// `POST /workspaces/new`.
pub(super) async fn create(
    State(portal): State<Portal>,
    signed_in: SignedIn,
    Posted(form): Posted<New>,
) -> Result<Response, Problem> {
    let home_area = area(&portal, &form.home_area)?;
    let (account_id, name) = (signed_in.account.id, form.name.clone());
    match portal.control.create_own_workspace(&signed_in.actor(), account_id, name, home_area).await {
        Ok(workspace) => {
            portal.control.set_portal_session_workspace(signed_in.session.id, workspace.id).await?;
            Ok(see_other_with("/", Notice::WorkspaceCreated))
        }
        Err(CreateOwnWorkspaceError::Store(error)) => Err(error.into()),
        Err(error) => {
            let shown =
                show_new(&portal, &signed_in, &form.name, &form.home_area, Some(said(&error))).await?;
            Ok(page::with_mistakes(shown))
        }
    }
}
