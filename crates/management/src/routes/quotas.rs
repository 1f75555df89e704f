//! `/v1/quotas`: how much audio a project, an API key or an end user may have in a month, and has.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use control::{AudioQuotas, QuotaStanding, RemoveQuotaError, SetQuotaError};
use domain::{Permission, ProjectId, QuotaScope, Reason};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::field::{INTEGER_MAX, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, OkAnswer};
use crate::routes::members::sentence;

/// What a quota may be set for.
const SCOPES: [&str; 4] = ["project", "api_key", "each_client_ref", "client_ref"];

/// The fields of a quota.
const FIELDS: &[Field] = &[
    Field::required("project_id", Form::Integer { min: 1, max: INTEGER_MAX }, "The project."),
    Field::required(
        "scope",
        Form::Choice(scopes),
        "What of it: all of it, one API key with what it minted, each end user who has no quota of their own, or one end user.",
    ),
    Field::new(
        "name",
        Form::ClientRef,
        "The id of the API key, or the client_ref; left out where the scope names neither.",
    ),
    Field::new(
        "audio_seconds_per_month_max",
        Form::Integer { min: 0, max: u32::MAX as u64 },
        "Audio in a UTC month, batch and realtime together, in seconds; null takes the quota away.",
    ),
];

fn scopes() -> Vec<&'static str> {
    SCOPES.to_vec()
}

/// A quota, and what is used of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quota)]
struct QuotaAnswer {
    /// The project.
    project_id: i64,
    /// `project`, `api_key`, `each_client_ref` or `client_ref`.
    scope: String,
    /// The id of the API key, or the client_ref; null where the scope names neither.
    #[schema(required = true)]
    name: Option<String>,
    /// Audio in a UTC month, in seconds.
    audio_seconds_per_month_max: u32,
    /// Audio in this month, also from before the quota was set, in seconds; null where it is set for each of many.
    #[schema(required = true)]
    audio_seconds_used: Option<f64>,
    /// When it was set.
    #[schema(format = DateTime)]
    set_at: String,
}

impl From<QuotaStanding> for QuotaAnswer {
    fn from(standing: QuotaStanding) -> Self {
        let (scope, name) = standing.quota.scope.parts();
        Self {
            project_id: standing.quota.project_id.get(),
            scope: scope.to_owned(),
            name: Some(name).filter(|name| !name.is_empty()),
            audio_seconds_per_month_max: standing.quota.audio_seconds_per_month_max,
            audio_seconds_used: standing.audio_seconds_used,
            set_at: standing.quota.set_at.to_rfc3339(),
        }
    }
}

/// What a workspace may use in this month, and has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quotas)]
struct QuotasAnswer {
    /// The month, of UTC, as in 2026-11.
    month: String,
    /// When the next one begins, with nothing used.
    #[schema(format = DateTime)]
    next_month_at: String,
    /// Audio of the whole workspace in a month, by its plan or its own limits, in seconds; null doesn't limit.
    #[schema(required = true)]
    audio_seconds_per_month_max: Option<u32>,
    /// Audio of the whole workspace in this month, in seconds.
    audio_seconds_used: f64,
    /// The quotas of its projects.
    quotas: Vec<QuotaAnswer>,
}

impl From<AudioQuotas> for QuotasAnswer {
    fn from(quotas: AudioQuotas) -> Self {
        Self {
            month: quotas.month.to_string(),
            next_month_at: quotas.month.next().start().to_rfc3339(),
            audio_seconds_per_month_max: quotas.workspace_audio_seconds_max,
            audio_seconds_used: quotas.workspace_audio_seconds_used,
            quotas: quotas.quotas.into_iter().map(QuotaAnswer::from).collect(),
        }
    }
}

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let read = Operation::new(Method::GET, "/v1/quotas", "list_quotas", Tag::Usage, "Read the quotas")
        .says("How much audio the workspace, its projects, API keys and end users may have in a month of UTC, and what is used \
               of it.")
        .callers(Callers::Managers(Permission::ViewUsage))
        .answers::<QuotasAnswer>(200, "The quotas.");
    let set = Operation::new(Method::PUT, "/v1/quotas", "set_quota", Tag::Usage, "Set a quota, or take it away")
        .says("A quota counts what is used from when it is set. Once it is used up, jobs are refused with 403, and sessions end \
               with `timelimit_exceeded`, close code 4006. What is used of a job is known when it is finished.")
        .callers(Callers::Managers(Permission::ManageProjects))
        .body("QuotaSetting", FIELDS, Extra::Refused)
        .refuses(&[Reason::NotFound, Reason::QuotaReached])
        .answers::<OkAnswer>(200, "It is set, or gone.")
        .enforced();
    api.add(read, get).add(set, put)
}

/// Reads the quotas.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<QuotasAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewUsage).await?;
    let quotas = context.control.audio_quotas(managing.workspace_id).await?;
    Ok(Json(quotas.ok_or_else(auth::unknown_workspace)?.into()))
}

/// Sets a quota, or takes it away.
async fn put(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let project_id = match fields.integer("project_id")? {
        None => return Err(Invalid::required("project_id", "body").into()),
        Some(number) if number < 1 => return Err(Invalid::below("project_id", "body", 1).into()),
        Some(number) => ProjectId::new(number),
    };
    let max = fields.integer_within("audio_seconds_per_month_max", 0, u32::MAX)?;
    request::check_wait(&query)?;
    manager.needs(Permission::ManageProjects)?;
    let scope = scope(&fields)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    let control = &context.control;
    let revision = match max {
        Some(max) => {
            control.set_audio_quota(&actor, workspace_id, project_id, scope, max).await.map_err(refuse_set)?
        }
        None => control
            .remove_audio_quota(&actor, workspace_id, project_id, &scope)
            .await
            .map_err(refuse_remove)?,
    };
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::changed(StatusCode::OK, OkAnswer::OK, revision, enforced))
}

fn scope(fields: &Fields) -> Result<QuotaScope, Invalid> {
    let kind = fields.text("scope")?.ok_or_else(|| Invalid::required("scope", "body"))?;
    let name = fields.client_ref_in("name")?;
    if !SCOPES.contains(&kind) {
        return Err(Invalid::one_of("scope", "body", &SCOPES));
    }
    let named = name.as_ref().map_or("", |name| name.as_str());
    QuotaScope::from_parts(kind, named).ok_or_else(|| {
        Invalid::pattern(format!("name in body doesn't fit the scope {kind}")).with_detail(
            "An API key's id for api_key, a client_ref for client_ref, and nothing for the others.",
        )
    })
}

fn refuse_set(error: SetQuotaError) -> Problem {
    match error {
        SetQuotaError::ProjectNotFound | SetQuotaError::KeyNotFound => Problem::not_found(sentence(&error)),
        SetQuotaError::TooMany => Problem::new(Reason::QuotaReached, sentence(&error)),
        SetQuotaError::Store(error) => error.into(),
    }
}

fn refuse_remove(error: RemoveQuotaError) -> Problem {
    match error {
        RemoveQuotaError::NotFound => Problem::not_found(sentence(&error)),
        RemoveQuotaError::Store(error) => error.into(),
    }
}
