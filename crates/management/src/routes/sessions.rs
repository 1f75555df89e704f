//! `/v1/sessions`: what is open now, and ending it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use control::EndSessionError;
use domain::limits::NAME_CHARACTERS_MAX;
use domain::link::{SessionFilter, SessionInfo};
use domain::{ApiKeyId, Permission, Reason, Region, SessionId};
use http::{HeaderMap, Method, Uri};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::field::{self, INTEGER_MAX, LINE, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::OkAnswer;

/// What the client is told where whoever ends a session gives no reason.
const UNTOLD: &str = "The owner of this API ended the session.";

/// The fields of an ending.
const FIELDS: &[Field] = &[Field::new("reason", Form::OptionalName, "Why: the client is told.")];

/// An open session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionAnswer {
    /// Its id.
    session_id: String,
    /// The API key that it was opened with, or that minted the temporary key.
    apikey_id: String,
    /// The id of the temporary key, if it was opened with one.
    #[schema(required = true)]
    jti: Option<String>,
    /// The project.
    project_id: i64,
    /// The end user, if one was named.
    #[schema(required = true)]
    client_ref: Option<String>,
    /// The region.
    region: String,
    /// The product.
    product: String,
    /// When it was opened.
    #[schema(format = DateTime)]
    started_at: String,
    /// Audio that came in, in seconds.
    audio_seconds: f64,
    /// The client's address.
    peer: String,
}

impl From<SessionInfo> for SessionAnswer {
    fn from(session: SessionInfo) -> Self {
        Self {
            session_id: session.session_id.to_string(),
            apikey_id: session.api_key_id.to_string(),
            jti: session.temporary_key_id.map(|id| id.to_string()),
            project_id: session.project_id.get(),
            client_ref: session.client_ref.map(String::from),
            region: session.region.to_string(),
            product: session.product.to_string(),
            started_at: session.started_at.to_rfc3339(),
            audio_seconds: session.audio_seconds,
            peer: session.peer.to_string(),
        }
    }
}

/// What is open.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sessions)]
struct SessionsAnswer {
    /// The sessions, oldest first.
    sessions: Vec<SessionAnswer>,
    /// Gateways that didn't answer in time: theirs are missing.
    pending: Vec<String>,
    /// The `after` of the next page.
    #[schema(required = true)]
    next: Option<String>,
}

/// The operations of these paths.
pub(crate) fn operations(api: Api) -> Api {
    let regions: Vec<&str> = Region::ALL.iter().map(|region| region.as_str()).collect();
    let project = json!({"type": "integer", "minimum": 1, "maximum": INTEGER_MAX});
    let list = Operation::new(Method::GET, "/v1/sessions", "list_sessions", Tag::Sessions, "List open sessions")
        .says("The realtime sessions of the workspace that are open now, in every region. All of them, unless a page is \
               asked for.")
        .callers(Callers::Managers(Permission::ViewSessions))
        .query("project_id", project, "Only this project's.")
        .query("apikey_id", field::id("key_"), "Only those of this API key, and of what it minted.")
        .query("client_ref", json!({"type": "string", "minLength": 1, "pattern": LINE}), "Only this end user's.")
        .query("region", json!({"type": "string", "enum": regions}), "Only those in this region.")
        .pages::<SessionsAnswer>("The sessions.");
    let id = field::id("ses_");
    let end = Operation::new(
        Method::DELETE,
        "/v1/sessions/{session_id}",
        "end_session",
        Tag::Sessions,
        "End an open session",
    )
    .says("Its client gets the `Error` `not_allowed` with the reason, and close code 4003. Its key stays good: revoke that \
           to keep the client out.")
    .path_parameter("session_id", id, "The id of the session.", "ses_01k5zr0000000000000000000e")
    .callers(Callers::Managers(Permission::EndSessions))
    .body("SessionEnding", FIELDS, Extra::Refused)
    .refuses(&[Reason::NotFound])
    .answers::<OkAnswer>(200, "It is ended.");
    api.add(list, get).add(end, delete)
}

/// Lists what is open.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<SessionsAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ViewSessions).await?;
    let filter = SessionFilter {
        workspace_id: Some(managing.workspace_id),
        session_id: None,
        project_id: request::project_filter(&query)?,
        api_key_id: api_key(&query)?,
        client_ref: request::client_ref(&query)?,
        region: request::choice(&query, "region", Region::ALL, Region::as_str)?,
    };
    let page = match Paging::asked(&query)? {
        None => None,
        Some(paging) => Some(paging.by_age()?),
    };
    let open = context.control.gateways().list_sessions(managing.workspace_id, filter).await;
    let (sessions, next) = match page {
        None => (open.sessions, None),
        Some(page) => {
            paging::cut(open.sessions, &page, |session| (session.started_at, session.session_id.to_string()))
        }
    };
    let sessions = sessions.into_iter().map(SessionAnswer::from).collect();
    Ok(Json(SessionsAnswer { sessions, pending: open.pending, next }))
}

/// The API key that a list is narrowed to.
pub(crate) fn api_key(query: &[(String, String)]) -> Result<Option<ApiKeyId>, Invalid> {
    let Some(text) = request::one(query, "apikey_id")? else { return Ok(None) };
    ApiKeyId::parse(text).map(Some).ok_or_else(|| {
        Invalid::wrong_type("apikey_id", "query", "id").with_detail("An id that starts with key_.")
    })
}

/// Ends a session.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<OkAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let reason = fields.line("reason", NAME_CHARACTERS_MAX)?.filter(|reason| !reason.trim().is_empty());
    manager.needs(Permission::EndSessions)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let id = SessionId::parse(&id).ok_or_else(unknown)?;
    let actor = context.manager(&manager);
    let reason = reason.as_deref().unwrap_or(UNTOLD);
    match context.control.end_session(&actor, workspace_id, id, reason).await {
        Ok(_) => Ok(Json(OkAnswer::OK)),
        Err(EndSessionError::NotFound) => Err(unknown()),
        Err(EndSessionError::Store(error)) => Err(error.into()),
    }
}

fn unknown() -> Problem {
    Problem::not_found("No such session is open in this workspace. GET /v1/sessions lists those that are.")
}
