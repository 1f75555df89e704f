//! `/v1/projects`: making, listing.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use control::{Actor, CreateProjectError, NewProject};
use domain::limits::DESCRIPTION_CHARACTERS_MAX;
use domain::{Permission, Reason};
use http::{HeaderMap, StatusCode};

use crate::auth;
use crate::context::Context;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ProjectAnswer};

/// Lists the projects of a workspace.
pub(crate) async fn get(
    State(context): State<Context>,
    headers: HeaderMap,
) -> Result<Json<Vec<ProjectAnswer>>, Problem> {
    let manager = auth::manager(&context, &headers, Permission::ViewProjects)?;
    let projects = context.control.list_projects(manager.workspace_id()).await?;
    Ok(Json(projects.into_iter().map(ProjectAnswer::from).collect()))
}

/// Makes a project.
pub(crate) async fn post(
    State(context): State<Context>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    let new = NewProject {
        name: fields.required_name()?,
        description: fields.line("description", DESCRIPTION_CHARACTERS_MAX)?.unwrap_or_default(),
    };
    request::check_wait(&query)?;
    manager.needs(Permission::ManageProjects)?;
    let actor = Actor::ManagementToken(manager.token_id());
    let created =
        context.control.create_project(&actor, manager.workspace_id(), new).await.map_err(refuse_project)?;
    let enforced = request::wait(&context, &query, created.revision).await?;
    Ok(answers::changed(
        StatusCode::CREATED,
        ProjectAnswer::from(created.project),
        created.revision,
        enforced,
    ))
}

fn refuse_project(error: CreateProjectError) -> Problem {
    let sentence = error.to_string();
    match error {
        CreateProjectError::InvalidName | CreateProjectError::InvalidDescription => {
            Invalid::pattern(sentence).into()
        }
        CreateProjectError::WorkspaceFull => Problem::new(Reason::QuotaReached, sentence),
        CreateProjectError::WorkspaceNotFound => Problem::not_found(sentence),
        CreateProjectError::Store(error) => error.into(),
    }
}
