//! `/v1/webhooks`: addresses that are told of what happens, and what was sent to them.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse as _, Response};
use control::{CreateWebhookError, CreatedWebhook, Place, WEBHOOK_OVERLAP_SECONDS_MAX, WebhookError};
use domain::{
    Permission, Reason, Timestamp, Webhook, WebhookEvent, WebhookEvents, WebhookId, WebhookMessage,
    WebhookMessageId,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::field::{self, only};
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::invalid::Invalid;
use crate::paging::{self, Paging};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::OkAnswer;
use crate::routes::members::sentence;

/// How long both secrets are good where nobody says it, in seconds.
const OVERLAP_SECONDS: u32 = 24 * 3600;

/// The fields of a new webhook.
const FIELDS: &[Field] = &[
    Field::required("url", Form::Url, "Where it is: https, on the public internet."),
    Field::required("events", Form::Choices(event_names), "What it is told of."),
];

/// The fields of a rotation.
const ROTATION: &[Field] = &[Field::new(
    "overlap_seconds",
    Form::Integer { min: 0, max: WEBHOOK_OVERLAP_SECONDS_MAX as u64 },
    "How long messages are signed with both secrets; a day if left out.",
)];

fn event_names() -> Vec<&'static str> {
    WebhookEvent::ALL.iter().map(|event| event.as_str()).collect()
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookAnswer {
    /// Its id.
    webhook_id: String,
    /// Where it is.
    url: String,
    /// What it is told of.
    events: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when messages are signed with the secret before, too.
    #[schema(required = true, format = DateTime)]
    former_secret_until: Option<String>,
}

impl From<Webhook> for WebhookAnswer {
    fn from(webhook: Webhook) -> Self {
        Self {
            webhook_id: webhook.id.to_string(),
            url: webhook.url,
            events: webhook.events.iter().map(|event| event.to_string()).collect(),
            created_at: webhook.created_at.to_rfc3339(),
            former_secret_until: webhook.former_secret_until.map(Timestamp::to_rfc3339),
        }
    }
}

/// A webhook with its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
struct SecretAnswer {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookAnswer,
    /// What messages are signed with; shown now, and never again.
    secret: String,
}

impl From<CreatedWebhook> for SecretAnswer {
    fn from(created: CreatedWebhook) -> Self {
        Self { secret: created.secret.expose().to_owned(), webhook: created.webhook.into() }
    }
}

/// The webhooks of a workspace.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhooks)]
struct WebhooksAnswer {
    /// The webhooks, oldest first.
    webhooks: Vec<WebhookAnswer>,
}

/// What was sent to a webhook, or is to be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookMessage)]
struct MessageAnswer {
    /// Its id: the header `webhook-id` of every try.
    message_id: String,
    /// What it tells of.
    event: String,
    /// When it was written.
    #[schema(format = DateTime)]
    created_at: String,
    /// `waiting`, `delivered` or `failed`.
    state: String,
    /// How often it was tried.
    attempts: u32,
    /// When it was tried last.
    #[schema(required = true, format = DateTime)]
    tried_at: Option<String>,
    /// When it is tried next.
    #[schema(required = true, format = DateTime)]
    next_try_at: Option<String>,
    /// The HTTP status that the webhook answered last.
    #[schema(required = true)]
    status: Option<u16>,
    /// What went wrong last.
    #[schema(required = true)]
    problem: Option<String>,
    /// What is sent.
    body: String,
}

impl From<WebhookMessage> for MessageAnswer {
    fn from(message: WebhookMessage) -> Self {
        Self {
            message_id: message.id.to_string(),
            event: message.event.to_string(),
            created_at: message.created_at.to_rfc3339(),
            state: message.state.to_string(),
            attempts: message.attempts,
            tried_at: message.tried_at.map(Timestamp::to_rfc3339),
            next_try_at: message.next_try_at.map(Timestamp::to_rfc3339),
            status: message.status,
            problem: message.problem,
            body: message.body,
        }
    }
}

/// A page of messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookMessages)]
struct MessagesAnswer {
    /// The messages, newest first.
    messages: Vec<MessageAnswer>,
    /// The `after` of the next page.
    #[schema(required = true)]
    next: Option<String>,
}

/// The operations of these paths.
pub(crate) fn operations(api: Api) -> Api {
    let path = "/v1/webhooks";
    let list = operation(Method::GET, path, "list_webhooks", "List webhooks")
        .answers::<WebhooksAnswer>(200, "The webhooks.");
    let make = operation(Method::POST, path, "create_webhook", "Make a webhook")
        .says("It is sent what happens from then on, as Standard Webhooks has it: `webhook-id`, `webhook-timestamp` and \
               `webhook-signature` (`v1`, HMAC-SHA-256). What it doesn't take with a status of 2xx is sent again for days, later \
               each time. Redirects are not followed.")
        .body("NewWebhook", FIELDS, Extra::Refused)
        .refuses(&[Reason::QuotaReached])
        .answers::<SecretAnswer>(201, "The webhook and its secret, which is shown once.");
    let one = "/v1/webhooks/{webhook_id}";
    let remove = with_webhook(operation(Method::DELETE, one, "remove_webhook", "Remove a webhook"))
        .says("What was to be sent to it is not sent any more.")
        .answers::<OkAnswer>(200, "It is removed.");
    let rotate = "/v1/webhooks/{webhook_id}/rotate";
    let rotate =
        with_webhook(operation(Method::POST, rotate, "rotate_webhook", "Give a webhook another secret"))
            .says("Until the overlap ends, messages carry a signature by each of the two.")
            .body("WebhookRotation", ROTATION, Extra::Refused)
            .answers::<SecretAnswer>(200, "The webhook and its new secret, which is shown once.");
    let messages = "/v1/webhooks/{webhook_id}/messages";
    let messages =
        with_webhook(operation(Method::GET, messages, "list_webhook_messages", "Read what was sent"))
            .says("Messages are kept for 30 days.")
            .pages::<MessagesAnswer>("The messages.");
    let resend = "/v1/webhooks/{webhook_id}/messages/{message_id}/resend";
    let resend = operation(Method::POST, resend, "resend_webhook_message", "Send a message again");
    let example = "msg_01k5zr0000000000000000000e";
    let resend = with_webhook(resend)
        .path_parameter("message_id", field::id("msg_"), "The id of the message.", example)
        .says("Whatever became of it before; under the same id.")
        .answers::<OkAnswer>(200, "It is sent.");
    api.add(list, get)
        .add(make, post)
        .add(remove, delete)
        .add(rotate, post_rotate)
        .add(messages, get_messages)
        .add(resend, post_resend)
}

fn operation(method: Method, path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::new(method, path, id, Tag::Webhooks, summary)
        .callers(Callers::Managers(Permission::ManageProjects))
}

fn with_webhook(operation: Operation) -> Operation {
    let example = "whk_01k5zr0000000000000000000e";
    operation
        .path_parameter("webhook_id", field::id("whk_"), "The id of the webhook.", example)
        .refuses(&[Reason::NotFound])
}

/// Lists the webhooks.
async fn get(context: Context, uri: Uri, headers: HeaderMap) -> Result<Json<WebhooksAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ManageProjects).await?;
    let webhooks = context.control.list_webhooks(managing.workspace_id).await?;
    Ok(Json(WebhooksAnswer { webhooks: webhooks.into_iter().map(WebhookAnswer::from).collect() }))
}

/// Makes a webhook.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let url = fields.text("url")?.ok_or_else(|| Invalid::required("url", "body"))?;
    let events = fields.choices("events", WebhookEvent::ALL, WebhookEvent::as_str)?;
    let events = events.ok_or_else(|| Invalid::required("events", "body"))?;
    manager.needs(Permission::ManageProjects)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    let events = WebhookEvents::from_iter(events);
    let made = context.control.create_webhook(&actor, workspace_id, url, events).await;
    let made = made.map_err(refuse_create)?;
    Ok((StatusCode::CREATED, Json(SecretAnswer::from(made))).into_response())
}

/// Removes a webhook.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<OkAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ManageProjects).await?;
    let removed = context.control.remove_webhook(&managing.actor, managing.workspace_id, webhook(&id)?).await;
    removed.map_err(refuse)?;
    Ok(Json(OkAnswer::OK))
}

/// Gives a webhook another secret.
async fn post_rotate(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Json<SecretAnswer>, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(ROTATION, &fields)?;
    let overlap = fields.integer_within("overlap_seconds", 0, WEBHOOK_OVERLAP_SECONDS_MAX)?;
    manager.needs(Permission::ManageProjects)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let actor = context.manager(&manager);
    let overlap = overlap.unwrap_or(OVERLAP_SECONDS);
    let rotated = context.control.rotate_webhook(&actor, workspace_id, webhook(&id)?, overlap).await;
    Ok(Json(rotated.map_err(refuse)?.into()))
}

/// Reads what was sent to a webhook.
async fn get_messages(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<MessagesAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ManageProjects).await?;
    let paging = Paging::read(&query)?;
    let before = paging.by_age()?.after.and_then(|place| WebhookMessageId::parse(&place.id));
    let limit = paging.limit;
    let found = context.control.webhook_messages(managing.workspace_id, webhook(&id)?, before, limit).await;
    let found = found.map_err(refuse)?;
    let is_full = found.len() as u64 == limit;
    let last = found.last().filter(|_| is_full);
    let next = last.map(|last| Place { created_at: last.created_at, id: last.id.to_string() });
    let messages = found.into_iter().map(MessageAnswer::from).collect();
    Ok(Json(MessagesAnswer { messages, next: paging::next(next) }))
}

/// Sends a message again.
async fn post_resend(
    context: Context,
    Path((id, message)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<OkAnswer>, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::ManageProjects).await?;
    let message = WebhookMessageId::parse(&message).ok_or_else(|| refuse(WebhookError::MessageNotFound))?;
    let (actor, workspace_id) = (&managing.actor, managing.workspace_id);
    let resent = context.control.resend_webhook_message(actor, workspace_id, webhook(&id)?, message).await;
    resent.map_err(refuse)?;
    Ok(Json(OkAnswer::OK))
}

fn webhook(text: &str) -> Result<WebhookId, Problem> {
    WebhookId::parse(text).ok_or_else(|| refuse(WebhookError::NotFound))
}

fn refuse_create(error: CreateWebhookError) -> Problem {
    match error {
        CreateWebhookError::WorkspaceNotFound => auth::unknown_workspace(),
        CreateWebhookError::Address => {
            Invalid::pattern("url in body must be of type uri").with_detail(sentence(&error)).into()
        }
        CreateWebhookError::NoEvents => Invalid::pattern(sentence(&error)).into(),
        CreateWebhookError::TooMany => Problem::new(Reason::QuotaReached, sentence(&error)),
        CreateWebhookError::Key(error) => Problem::internal(&error),
        CreateWebhookError::Store(error) => error.into(),
    }
}

fn refuse(error: WebhookError) -> Problem {
    match error {
        WebhookError::NotFound | WebhookError::MessageNotFound => Problem::not_found(sentence(&error)),
        WebhookError::Key(error) => Problem::internal(&error),
        WebhookError::Store(error) => error.into(),
    }
}
