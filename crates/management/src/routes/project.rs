//! `/v1/projects/{project_id}`: one project.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use control::{Actor, DeleteProjectError, RenameProjectError};
use domain::{Permission, Reason};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::auth;
use crate::context::Context;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ProjectAnswer};

fn unknown() -> Problem {
    Problem::not_found("There is no such project in this workspace. GET /v1/projects lists them.")
}

/// Reads a project.
pub(crate) async fn get(
    State(context): State<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<ProjectAnswer>, Problem> {
    let manager = auth::manager(&context, &headers, Permission::ViewProjects)?;
    let id = request::project_id(&id)?;
    let project = context.control.find_project(manager.workspace_id(), id).await?.ok_or_else(unknown)?;
    Ok(Json(project.into()))
}

/// Renames a project.
pub(crate) async fn put(
    State(context): State<Context>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<ProjectAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let id = request::project_id(&id)?;
    let name = request::fields(body).await?.required_name()?;
    manager.needs(Permission::ManageProjects)?;
    let actor = Actor::ManagementToken(manager.token_id());
    match context.control.rename_project(&actor, manager.workspace_id(), id, &name).await {
        Ok(project) => Ok(Json(project.into())),
        Err(RenameProjectError::NotFound) => Err(unknown()),
        Err(RenameProjectError::InvalidName) => {
            Err(Invalid::pattern(RenameProjectError::InvalidName.to_string()).into())
        }
        Err(RenameProjectError::Store(error)) => Err(error.into()),
    }
}

/// Deletes a project; its keys, and everything born of them, are refused from then on.
pub(crate) async fn delete(
    State(context): State<Context>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let manager = auth::manager_for_any(&context, &headers)?;
    let id = request::project_id(&id)?;
    request::check_wait(&query)?;
    manager.needs(Permission::ManageProjects)?;
    let actor = Actor::ManagementToken(manager.token_id());
    let revision = match context.control.delete_project(&actor, manager.workspace_id(), id).await {
        Ok(revision) => revision,
        Err(DeleteProjectError::NotFound) => return Err(unknown()),
        Err(DeleteProjectError::IsDefault) => {
            return Err(Problem::new(
                Reason::DefaultProject,
                "The default project of a workspace can't be deleted.",
            ));
        }
        Err(DeleteProjectError::Store(error)) => return Err(error.into()),
    };
    // 204 has no body to say who enforces it; only waiting answers with one.
    let Some(enforced) = request::wait(&context, &query, revision).await? else {
        let mut response = StatusCode::NO_CONTENT.into_response();
        response.headers_mut().insert(answers::REVISION, HeaderValue::from(revision.0));
        return Ok(response);
    };
    Ok(answers::changed(StatusCode::OK, serde_json::json!({}), revision, Some(enforced)))
}
