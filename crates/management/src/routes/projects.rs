//! `/v1/projects`: making, listing.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use control::{CreateProjectError, NewProject};
use domain::limits::DESCRIPTION_CHARACTERS_MAX;
use domain::{Permission, ProjectId, Reason};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::auth;
use crate::context::Context;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::Paging;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ProjectAnswer, ProjectsPage};

/// The fields of a new project.
const FIELDS: &[Field] = &[
    Field::required("name", Form::Name, "Its name."),
    Field::new("description", Form::Description, "What it is for."),
];

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let list = Operation::new(Method::GET, "/v1/projects", "list_projects", Tag::Projects, "List projects")
        .says("The projects of the workspace. All of them, unless a page is asked for.")
        .callers(Callers::Managers(Permission::ViewProjects))
        .lists::<ProjectAnswer, ProjectsPage>("The projects.");
    let make =
        Operation::new(Method::POST, "/v1/projects", "create_project", Tag::Projects, "Make a project")
            .says("A contract_id, which older clients send, is ignored.")
            .callers(Callers::Managers(Permission::ManageProjects))
            .body("NewProject", FIELDS, Extra::Ignored)
            .refuses(&[Reason::QuotaReached])
            .answers::<ProjectAnswer>(201, "The project.")
            .enforced();
    api.add(list, get).add(make, post)
}

/// Lists the projects of a workspace.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewProjects).await?;
    let Some(paging) = Paging::asked(&query)? else {
        let projects = context.control.list_projects(managing.workspace_id).await?;
        let all: Vec<_> = projects.into_iter().map(ProjectAnswer::from).collect();
        return Ok(Json(all).into_response());
    };
    let (after, limit) = (paging.number()?.map(ProjectId::new), paging.limit + 1);
    let projects = context.control.page_projects(managing.workspace_id, after, limit).await?;
    let (projects, next) = paging.cut(projects, |project| project.id.get());
    let projects = projects.into_iter().map(ProjectAnswer::from).collect();
    Ok(Json(ProjectsPage { projects, next }).into_response())
}

/// Makes a project.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
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
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    let created = context.control.create_project(&actor, workspace_id, new).await.map_err(refuse_project)?;
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
        CreateProjectError::WorkspaceFull { .. } => Problem::new(Reason::QuotaReached, sentence),
        CreateProjectError::WorkspaceNotFound => Problem::not_found(sentence),
        CreateProjectError::Store(error) => error.into(),
    }
}
