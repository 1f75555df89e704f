//! `/v1/workspaces/{workspace_id}`: one workspace; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use control::{ChangeWorkspaceError, CloseWorkspaceError, WorkspaceChange};
use domain::{OwnLimits, Plan, Reason, WorkspaceId};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::auth::{self, unknown_workspace};
use crate::context::Context;
use crate::document::field::{self, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, Nothing, WorkspaceAnswer};
use crate::routes::workspaces::plan_names;

const COUNT: Form = Form::Integer { min: 0, max: u32::MAX as u64 };

/// The limits that a workspace may have of its own.
const LIMITS: &[Field] = &[
    Field::new("concurrent_sessions_max", COUNT, "Realtime sessions of a project open at once."),
    Field::new(
        "creates_per_second_max",
        COUNT,
        "Jobs created, and sessions started, per second and project.",
    ),
    Field::new("reads_per_second_max", COUNT, "Batch reads per second and project."),
    Field::new("mints_per_second_max", COUNT, "Temporary keys minted per second and API key."),
    Field::new(
        "audio_seconds_per_month_max",
        COUNT,
        "Audio of the workspace in a UTC month, batch and realtime together.",
    ),
    Field::new(
        "enterprise",
        Form::Boolean,
        "Whether failover regions and keys of several areas are allowed.",
    ),
];

/// The fields of a changed workspace.
const FIELDS: &[Field] = &[
    Field::new("name", Form::Name, "Another name."),
    Field::new("plan", Form::Choice(plan_names), "Another plan."),
    Field::new(
        "limits",
        Form::Object(LIMITS),
        "Limits of its own, in place of all that it had; {} gives it its plan's.",
    ),
];

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let read = operation(Method::GET, "get_workspace", "Read a workspace")
        .answers::<WorkspaceAnswer>(200, "The workspace.");
    let change = operation(Method::PATCH, "change_workspace", "Change a workspace")
        .says("What is left out stays. Limits hold at once; sessions that are open stay open.")
        .body("WorkspaceChange", FIELDS, Extra::Refused)
        .answers::<WorkspaceAnswer>(200, "The workspace as it is now.")
        .enforced();
    let close = operation(Method::DELETE, "close_workspace", "Close a workspace")
        .says("For good: its API keys, everything born of them and its management tokens are refused from then on, and open \
               sessions end.")
        .answers::<Nothing>(200, "It is closed, and this was waited for.")
        .answer(204, "It is closed.", None, "")
        .enforced();
    api.add(read, get).add(change, patch).add(close, delete)
}

fn operation(method: Method, id: &'static str, summary: &'static str) -> Operation {
    with_workspace(Operation::new(method, "/v1/workspaces/{workspace_id}", id, Tag::Workspaces, summary))
}

/// An operation on a workspace that its path names.
pub(crate) fn with_workspace(operation: Operation) -> Operation {
    let form = field::id("ws_");
    operation
        .callers(Callers::Operators)
        .path_parameter("workspace_id", form, "The id of the workspace.", "ws_01k5zr0000000000000000000e")
        .refuses(&[Reason::NotFound])
}

/// The workspace that a path names.
pub(crate) fn workspace_id(text: &str) -> Result<WorkspaceId, Problem> {
    WorkspaceId::parse(text).ok_or_else(unknown_workspace)
}

/// Reads a workspace.
async fn get(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<WorkspaceAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let found = context.control.find_workspace_with_limits(workspace_id(&id)?).await?;
    Ok(Json(found.ok_or_else(unknown_workspace)?.into()))
}

/// Changes a workspace.
async fn patch(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let changes = WorkspaceChange {
        name: fields.new_name()?,
        plan: fields.choice("plan", Plan::ALL, Plan::as_str)?,
        own_limits: fields.object("limits")?.as_ref().map(own_limits).transpose()?,
        home_area: None,
    };
    request::check_wait(&query)?;
    let changed = context.control.change_workspace(&actor, workspace_id(&id)?, changes).await;
    let changed = changed.map_err(refuse_change)?;
    let enforced = request::wait(&context, &query, changed.revision).await?;
    let body = WorkspaceAnswer::from(changed.workspace);
    Ok(answers::changed(StatusCode::OK, body, changed.revision, enforced))
}

fn own_limits(fields: &Fields) -> Result<OwnLimits, Invalid> {
    only(LIMITS, fields)?;
    let count = |name| fields.integer_within(name, 0, u32::MAX);
    Ok(OwnLimits {
        concurrent_sessions_max: count("concurrent_sessions_max")?,
        creates_per_second_max: count("creates_per_second_max")?,
        reads_per_second_max: count("reads_per_second_max")?,
        mints_per_second_max: count("mints_per_second_max")?,
        audio_seconds_per_month_max: count("audio_seconds_per_month_max")?,
        enterprise: fields.boolean("enterprise")?,
    })
}

fn refuse_change(error: ChangeWorkspaceError) -> Problem {
    match error {
        ChangeWorkspaceError::NotFound => unknown_workspace(),
        ChangeWorkspaceError::InvalidName => Invalid::pattern(error.to_string()).into(),
        ChangeWorkspaceError::Store(error) => error.into(),
    }
}

/// Closes a workspace.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let actor = auth::operator(&context, &headers)?;
    request::check_wait(&query)?;
    let revision = match context.control.close_workspace(&actor, workspace_id(&id)?).await {
        Ok(revision) => revision,
        Err(CloseWorkspaceError::NotFound) => return Err(unknown_workspace()),
        Err(CloseWorkspaceError::Store(error)) => return Err(error.into()),
    };
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::gone(revision, enforced))
}
