//! `/settings/projects`: what holds API keys.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use control::{CreateProjectError, NewProject};
use domain::{Project, ProjectId};
use serde::Deserialize;

use super::list::Pager;
use super::said;
use crate::web::notice::Notice;
use crate::web::page::{self, Page};
use crate::web::paging::{PageQuery, ROWS_PER_PAGE};
use crate::web::redirect::see_other_with;
use crate::web::{Admin, Member, Portal, Posted, Problem};

/// The list.
pub(super) const PATH: &str = "/settings/projects";

#[derive(Template)]
#[template(path = "workspace/projects.html")]
struct View<'a> {
    page: &'a Page,
    is_admin: bool,
    search: String,
    projects: Vec<Project>,
    keys: HashMap<ProjectId, u64>,
    pager: Pager,
    count: u64,
    max: u32,
}

impl View<'_> {
    fn keys_of(&self, id: &ProjectId) -> u64 {
        self.keys.get(id).copied().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "workspace/new_project.html")]
struct NewView<'a> {
    page: &'a Page,
    form: &'a Fields,
    error: Option<Wrong>,
}

/// What a project is made of, and changed to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
}

/// What is wrong with them: a sentence beside the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    Name(String),
    Description(String),
    Whole(String),
}

impl Wrong {
    pub(super) fn name(&self) -> Option<&str> {
        if let Self::Name(text) = self { Some(text) } else { None }
    }

    pub(super) fn description(&self) -> Option<&str> {
        if let Self::Description(text) = self { Some(text) } else { None }
    }

    pub(super) fn whole(&self) -> Option<&str> {
        if let Self::Whole(text) = self { Some(text) } else { None }
    }
}

impl Fields {
    /// As control takes them. Browsers send line breaks of a text area as two characters; a description has none.
    pub(super) fn project(&self) -> NewProject {
        let description = self.description.split_whitespace().collect::<Vec<_>>().join(" ");
        NewProject { name: self.name.trim().to_owned(), description }
    }
}

/// `GET /settings/projects`.
pub(super) async fn list(
    State(portal): State<Portal>,
    member: Member,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let (control, workspace_id) = (&portal.control, member.workspace.id);
    let after = match query.after.as_deref() {
        Some(text) => Some(ProjectId::new(text.parse().map_err(|_| Problem::not_found())?)),
        None => None,
    };
    let search = query.search();
    let mut projects =
        control.search_projects(workspace_id, search.as_deref(), after, ROWS_PER_PAGE + 1).await?;
    let has_more = projects.len() as u64 > ROWS_PER_PAGE;
    projects.truncate(ROWS_PER_PAGE as usize);
    let next = projects.last().filter(|_| has_more).map(|project| project.id.to_string());
    let page = Page::for_member(&member, "Projects");
    let view = View {
        page: &page,
        is_admin: member.is_admin(),
        search: search.unwrap_or_default(),
        keys: control.count_usable_keys(workspace_id).await?,
        pager: Pager::of(PATH, &query, next),
        count: control.count_projects(workspace_id).await?,
        max: control.limits_of(&member.workspace).projects_max,
        projects,
    };
    page::show(&page, &view)
}

/// `GET /settings/projects/new`.
pub(super) async fn ask(Admin(member): Admin) -> Result<Response, Problem> {
    show_new(&member, &Fields::default(), None)
}

fn show_new(member: &Member, form: &Fields, error: Option<Wrong>) -> Result<Response, Problem> {
    let page = Page::for_member(member, "New project");
    page::show(&page, &NewView { page: &page, form, error })
}

/// `POST /settings/projects/new`.
pub(super) async fn create(
    State(portal): State<Portal>,
    Admin(member): Admin,
    Posted(form): Posted<Fields>,
) -> Result<Response, Problem> {
    let wrong =
        match portal.control.create_project(&member.actor(), member.workspace.id, form.project()).await {
            Ok(_) => return Ok(see_other_with(PATH, Notice::ProjectCreated)),
            Err(CreateProjectError::WorkspaceNotFound) => return Err(Problem::not_found()),
            Err(CreateProjectError::Store(error)) => return Err(error.into()),
            Err(CreateProjectError::InvalidName) => Wrong::Name(NAME.to_owned()),
            Err(CreateProjectError::InvalidDescription) => Wrong::Description(DESCRIPTION.to_owned()),
            Err(error @ CreateProjectError::WorkspaceFull { .. }) => {
                Wrong::Whole(format!("{} Delete one that nobody needs.", said(&error)))
            }
        };
    let shown = show_new(&member, &form, Some(wrong))?;
    Ok(page::with_mistakes(shown))
}

pub(super) const NAME: &str = "A name has 1 to 120 characters.";
pub(super) const DESCRIPTION: &str = "A description has at most 1000 characters.";
