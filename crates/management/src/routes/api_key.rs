//! `/v1/api-keys/{apikey_id}`: one API key.

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use control::{ChangeKeyError, KeyChange, RevokeKeyError, RotateKeyError};
use domain::limits::ROTATION_OVERLAP_SECONDS_MAX;
use domain::{ApiKeyId, Area, AreaSet, Networks, Permission, Product, ProductSet, Reason, Refusal};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;
use verify::Manager;

use crate::auth;
use crate::context::Context;
use crate::document::field;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::fields::Fields;
use crate::invalid::Invalid;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers::{self, ApiKeyAnswer, OkAnswer};

/// The operations of this path.
pub(crate) fn operations(api: Api) -> Api {
    let revoke = operation(Method::DELETE, "delete_api_key", "Revoke an API key")
        .says("Everything born of it is refused from then on, and open sessions end.")
        .callers(Callers::Managers(Permission::DeleteApiKeys))
        .answers::<OkAnswer>(200, "It is revoked.")
        .enforced();
    let change = operation(Method::PATCH, "change_api_key", "Change an API key")
        .says(
            "What is left out stays. Sessions that needed what is taken away end. Needs the permissions create_api_keys and \
             delete_api_keys: it can do what both can.",
        )
        .callers(Callers::Managers(Permission::CreateApiKeys))
        .body("ApiKeyChange", CHANGE_FIELDS, Extra::Ignored)
        .refuses(&[Reason::PlanRequired])
        .answers::<ApiKeyAnswer>(200, "The key as it is now.")
        .enforced();
    let rotate = Operation::new(Method::POST, ROTATE, "rotate_api_key", Tag::Keys, "Rotate an API key")
        .says(
            "Makes a new API key with the same name, rights and expiry. The old one expires when the overlap ends, and its \
             temporary keys with it; it never lives longer than it would have. Needs the permissions create_api_keys and \
             delete_api_keys.",
        )
        .path_parameter("apikey_id", field::id("key_"), "The id of the API key.", EXAMPLE)
        .callers(Callers::Managers(Permission::CreateApiKeys))
        .body("ApiKeyRotation", ROTATE_FIELDS, Extra::Ignored)
        .refuses(&[Reason::NotFound, Reason::QuotaReached])
        .answers::<RotatedAnswer>(201, "The new key. It is shown once.")
        .enforced();
    api.add(revoke, delete).add(change, patch).add(rotate, post_rotate)
}

const ROTATE: &str = "/v1/api-keys/{apikey_id}/rotate";
const EXAMPLE: &str = "key_01k5zr0000000000000000000e";

/// How long both keys live side by side where nothing else is said, in seconds.
const OVERLAP_SECONDS: u32 = 3600;

const ROTATE_FIELDS: &[Field] = &[Field::new(
    "overlap_seconds",
    Form::Integer { min: 0, max: ROTATION_OVERLAP_SECONDS_MAX as u64 },
    "How long the old key lives on, in seconds: 3600 if left out, 0 ends it at once.",
)];

const CHANGE_FIELDS: &[Field] = &[
    Field::new("name", Form::Name, "Its new name."),
    Field::new(
        "expires_at",
        Form::Moment,
        "When it expires; a moment in the past ends it at once, and null lets it live for good.",
    ),
    Field::new("areas", Form::Choices(area_names), "The areas that it is linked to."),
    Field::new("products", Form::Choices(product_names), "What it may be used for."),
    Field::new(
        "networks",
        Form::Networks,
        "The networks that it may be used from; null or none means from anywhere.",
    ),
];

fn area_names() -> Vec<&'static str> {
    Area::ALL.iter().map(|area| area.as_str()).collect()
}

fn product_names() -> Vec<&'static str> {
    Product::ALL.iter().map(|product| product.as_str()).collect()
}

/// A key that was rotated.
#[derive(Debug, Serialize, ToSchema)]
struct RotatedAnswer {
    /// The id of the new key.
    apikey_id: String,
    /// Its secret.
    key_value: String,
    /// When the old key expires.
    #[schema(format = DateTime)]
    old_expires_at: String,
}

fn operation(method: Method, id: &'static str, summary: &'static str) -> Operation {
    let form = field::id("key_");
    Operation::new(method, "/v1/api-keys/{apikey_id}", id, Tag::Keys, summary)
        .path_parameter("apikey_id", form, "The id of the API key.", "key_01k5zr0000000000000000000e")
        .refuses(&[Reason::NotFound])
}

/// Revokes an API key and everything born of it.
async fn delete(
    context: Context,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let managing = auth::managing(&context, &headers, &query, Permission::DeleteApiKeys).await?;
    request::check_wait(&query)?;
    let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
    let revoked = context.control.revoke_key(&managing.actor, managing.workspace_id, id).await;
    let revision = match revoked {
        Ok(revision) => revision,
        // A revoked key is gone from every list, so a second delete finds nothing.
        Err(RevokeKeyError::NotFound | RevokeKeyError::AlreadyRevoked) => return Err(unknown()),
        Err(RevokeKeyError::Store(error)) => return Err(error.into()),
    };
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::changed(StatusCode::OK, OkAnswer::OK, revision, enforced))
}

/// Changes an API key.
async fn patch(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let change = read_change(&request::fields(body).await?)?;
    request::check_wait(&query)?;
    needs_both(&manager)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
    let actor = context.manager(&manager);
    let changed =
        context.control.change_key(&actor, workspace_id, id, change).await.map_err(refuse_change)?;
    let enforced = request::wait(&context, &query, changed.revision).await?;
    Ok(answers::changed(StatusCode::OK, ApiKeyAnswer::from(changed.key), changed.revision, enforced))
}

/// Replaces an API key by a new one.
async fn post_rotate(
    context: Context,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let manager = auth::manager_for_any(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    let overlap = fields.integer_within("overlap_seconds", 0, ROTATION_OVERLAP_SECONDS_MAX)?;
    request::check_wait(&query)?;
    needs_both(&manager)?;
    let workspace_id = auth::workspace(&context, &manager, &query).await?;
    let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
    let actor = context.manager(&manager);
    let overlap = overlap.unwrap_or(OVERLAP_SECONDS);
    let rotated =
        context.control.rotate_key(&actor, workspace_id, id, overlap).await.map_err(refuse_rotation)?;
    let enforced = request::wait(&context, &query, rotated.revision).await?;
    let body = RotatedAnswer {
        apikey_id: rotated.key.id.to_string(),
        key_value: rotated.secret.expose().to_owned(),
        old_expires_at: rotated.old_expires_at.to_rfc3339(),
    };
    Ok(answers::changed(StatusCode::CREATED, body, rotated.revision, enforced))
}

/// Both can make a key that wasn't there, and end one that was.
fn needs_both(manager: &Manager) -> Result<(), Refusal> {
    manager.needs(Permission::CreateApiKeys)?;
    manager.needs(Permission::DeleteApiKeys)
}

fn read_change(fields: &Fields) -> Result<KeyChange, Invalid> {
    let name = match fields.has("name") {
        true => Some(fields.required_name()?),
        false => None,
    };
    let expires_at = match fields.moment("expires_at")? {
        None if fields.is_null("expires_at") => Some(None),
        moment => moment.map(Some),
    };
    let networks = match fields.networks()? {
        None if fields.is_null("networks") => Some(Networks::default()),
        networks => networks,
    };
    Ok(KeyChange {
        name,
        expires_at,
        areas: fields.choices("areas", Area::ALL, Area::as_str)?.map(AreaSet::from_iter),
        products: fields.choices("products", Product::ALL, Product::as_str)?.map(ProductSet::from_iter),
        networks,
    })
}

fn unknown() -> Problem {
    Problem::not_found("There is no such API key in this workspace. GET /v1/api-keys lists them.")
}

fn refuse_change(error: ChangeKeyError) -> Problem {
    let sentence = error.to_string();
    match error {
        ChangeKeyError::NotFound => unknown(),
        ChangeKeyError::SeveralAreas => Problem::new(Reason::PlanRequired, sentence),
        ChangeKeyError::ProjectFull => Problem::new(Reason::QuotaReached, sentence),
        ChangeKeyError::InvalidName
        | ChangeKeyError::NoAreas
        | ChangeKeyError::NoProducts
        | ChangeKeyError::TooManyNetworks => Invalid::pattern(sentence).into(),
        ChangeKeyError::Store(error) => error.into(),
    }
}

fn refuse_rotation(error: RotateKeyError) -> Problem {
    let sentence = error.to_string();
    match error {
        RotateKeyError::NotFound => unknown(),
        RotateKeyError::ProjectFull => Problem::new(Reason::QuotaReached, sentence),
        RotateKeyError::Expired | RotateKeyError::OverlapTooLong => Invalid::pattern(sentence).into(),
        RotateKeyError::Store(error) => error.into(),
    }
}
