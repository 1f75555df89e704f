//! `/v1/projects/{project_id}`: one project.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use control::{DeleteProjectError, RenameProjectError};
use domain::{Permission, Reason};
use http::{HeaderMap, Method, Uri};

use crate::auth;
use crate::context::Context;
use crate::document::field::INTEGER_MAX;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, Nothing, ProjectAnswer};

/// The fields of a renamed project.
const FIELDS: &[Field] = &[Field::required("name", Form::Name, "Its new name.")];

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let read = operation(Method::GET, "get_project", "Read a project")
        .callers(Callers::Managers(Permission::ViewProjects))
        .answers::<ProjectAnswer>(200, "The project.");
    let rename = operation(Method::PUT, "rename_project", "Rename a project")
        .callers(Callers::Managers(Permission::ManageProjects))
        .body("RenamedProject", FIELDS, Extra::Ignored)
        .answers::<ProjectAnswer>(200, "The project.");
    let remove = operation(Method::DELETE, "delete_project", "Delete a project")
        .says("Its API keys, and everything born of them, are refused from then on, and open sessions end.")
        .callers(Callers::Managers(Permission::ManageProjects))
        .refuses(&[Reason::DefaultProject])
        .answers::<Nothing>(200, "It is deleted, and this was waited for.")
        .answer(204, "It is deleted.", None, "")
        .enforced();
    api.add(read, get).add(rename, put).add(remove, delete)
}

fn operation(method: Method, id: &'static str, summary: &'static str) -> Operation {
    let form = serde_json::json!({"type": "integer", "minimum": 1, "maximum": INTEGER_MAX});
    Operation::new(method, "/v1/projects/{project_id}", id, Tag::Projects, summary)
        .path_parameter("project_id", form, "The id of the project.", "7")
        .refuses(&[Reason::NotFound, Reason::InvalidValue])
}

fn unknown() -> Problem {
    Problem::not_found("There is no such project in this workspace. GET /v1/projects lists them.")
}

/// Reads a project.
async fn get(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<ProjectAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewProjects).await?;
    let id = request::project_id(&id)?;
    let project = context.control.find_project(managing.workspace_id, id).await?.ok_or_else(unknown)?;
    Ok(Json(project.into()))
}

/// Renames a project.
async fn put(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<ProjectAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let id = request::project_id(&id)?;
    let name = request::fields(body).await?.required_name()?;
    manager.needs(Permission::ManageProjects)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    match context.control.rename_project(&actor, workspace_id, id, &name).await {
        Ok(project) => Ok(Json(project.into())),
        Err(RenameProjectError::NotFound) => Err(unknown()),
        Err(RenameProjectError::InvalidName) => {
            Err(Invalid::pattern(RenameProjectError::InvalidName.to_string()).into())
        }
        Err(RenameProjectError::Store(error)) => Err(error.into()),
    }
}

/// Deletes a project; its keys, and everything born of them, are refused from then on.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let manager = auth::manager_for_any(&context, &headers)?;
    let id = request::project_id(&id)?;
    request::check_wait(&query)?;
    manager.needs(Permission::ManageProjects)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    let revision = match context.control.delete_project(&actor, workspace_id, id).await {
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
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::gone(revision, enforced))
}
