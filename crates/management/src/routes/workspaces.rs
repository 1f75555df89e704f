//! `/v1/workspaces`: making, listing; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use control::{CreateWorkspaceError, NewWorkspace};
use domain::{Area, Plan};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::auth;
use crate::context::Context;
use crate::document::field::only;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, CreatedWorkspaceAnswer, WorkspaceAnswer, WorkspacesPage};
use crate::routes::api_keys::area_names;

/// The fields of a new workspace.
const FIELDS: &[Field] = &[
    Field::required("name", Form::Name, "Its name."),
    Field::new("plan", Form::Choice(plan_names), "Its plan; free if left out."),
    Field::new(
        "home_area",
        Form::Choice(area_names),
        "The area of its keys unless told otherwise; eu if left out.",
    ),
];

pub(crate) fn plan_names() -> Vec<&'static str> {
    Plan::ALL.iter().map(|plan| plan.as_str()).collect()
}

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let path = "/v1/workspaces";
    let list = Operation::new(Method::GET, path, "list_workspaces", Tag::Workspaces, "List workspaces")
        .says("Closed ones are gone.")
        .callers(Callers::Operators)
        .pages::<WorkspacesPage>("A page of the workspaces.");
    let make = Operation::new(Method::POST, path, "create_workspace", Tag::Workspaces, "Make a workspace")
        .says("With its undeletable project.")
        .callers(Callers::Operators)
        .body("NewWorkspace", FIELDS, Extra::Refused)
        .answers::<CreatedWorkspaceAnswer>(201, "The workspace.")
        .enforced();
    api.add(list, get).add(make, post)
}

/// Lists workspaces.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<WorkspacesPage>, Problem> {
    auth::operator(&context, &headers)?;
    let paging = Paging::read(&request::query(&uri))?;
    let page = context.control.page_workspaces(&paging.by_age()?).await?.map(WorkspaceAnswer::from);
    Ok(Json(WorkspacesPage { workspaces: page.items, next: paging::next(page.next) }))
}

/// Makes a workspace.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let new = NewWorkspace {
        name: fields.required_name()?,
        plan: fields.choice("plan", Plan::ALL, Plan::as_str)?.unwrap_or(Plan::Free),
        home_area: fields.choice("home_area", Area::ALL, Area::as_str)?.unwrap_or(Area::Eu),
    };
    request::check_wait(&query)?;
    let created = context.control.create_workspace(&actor, new).await.map_err(refuse)?;
    let enforced = request::wait(&context, &query, created.revision).await?;
    let limits = context.control.limits_of(&created.workspace);
    let body = CreatedWorkspaceAnswer {
        workspace: (created.workspace, limits).into(),
        default_project_id: created.default_project.id.get(),
    };
    Ok(answers::changed(StatusCode::CREATED, body, created.revision, enforced))
}

fn refuse(error: CreateWorkspaceError) -> Problem {
    match error {
        CreateWorkspaceError::InvalidName => Invalid::pattern(error.to_string()).into(),
        CreateWorkspaceError::Store(error) => error.into(),
    }
}
