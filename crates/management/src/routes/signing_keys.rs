//! `/v1/signing-keys`: what signs temporary keys, and bringing the next one; for operators.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use control::{SignFrom, SigningKeyError, SigningKeyInfo};
use domain::{Reason, Timestamp};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth;
use crate::context::Context;
use crate::document::field::only;
use crate::document::{Api, Callers, Extra, Field, Form, Operation, Tag};
use crate::problem::Problem;
use crate::request;
use crate::routes::answers;
use crate::routes::members::sentence;

/// The fields of a rotation.
const FIELDS: &[Field] = &[Field::new(
    "now",
    Form::Boolean,
    "Whether the new key signs at once; else it signs when everybody had the time to fetch it.",
)];

/// A signing key, without its private half.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
struct SigningKeyAnswer {
    /// Its name in the headers of tokens.
    kid: String,
    /// Its algorithm.
    algorithm: String,
    /// Where it stands in its life.
    state: String,
    /// When it was made and published.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it begins to sign, while it waits for that.
    #[schema(required = true, format = DateTime)]
    signs_from: Option<String>,
    /// From when on nothing that it signed is valid.
    #[schema(required = true, format = DateTime)]
    retired_at: Option<String>,
}

impl From<SigningKeyInfo> for SigningKeyAnswer {
    fn from(key: SigningKeyInfo) -> Self {
        Self {
            kid: key.kid.to_string(),
            algorithm: key.algorithm.to_string(),
            state: key.state.to_string(),
            created_at: key.created_at.to_rfc3339(),
            signs_from: key.signs_from.map(Timestamp::to_rfc3339),
            retired_at: key.retired_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// The signing keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKeys)]
struct SigningKeysAnswer {
    /// The keys, oldest first.
    signing_keys: Vec<SigningKeyAnswer>,
}

/// The operations of these paths.
pub(crate) fn operations(api: Api) -> Api {
    let tag = Tag::SigningKeys;
    let list = Operation::new(Method::GET, "/v1/signing-keys", "list_signing_keys", tag, "List signing keys")
        .callers(Callers::Operators)
        .answers::<SigningKeysAnswer>(200, "The keys.");
    let path = "/v1/signing-keys/rotate";
    let rotate = Operation::new(Method::POST, path, "rotate_signing_key", tag, "Rotate the signing key")
        .says("Publishes the next key; what the present one signed stays valid until it expires. While one waits to sign, it \
               is that one.")
        .callers(Callers::Operators)
        .body("SigningKeyRotation", FIELDS, Extra::Refused)
        .refuses(&[Reason::QuotaReached])
        .answers::<SigningKeyAnswer>(201, "The key that signs next, or by now.")
        .enforced();
    api.add(list, get).add(rotate, post)
}

/// Lists the signing keys.
async fn get(context: Context, headers: HeaderMap) -> Result<Json<SigningKeysAnswer>, Problem> {
    auth::operator(&context, &headers)?;
    let keys = context.control.signing_keys().await?;
    Ok(Json(SigningKeysAnswer { signing_keys: keys.into_iter().map(SigningKeyAnswer::from).collect() }))
}

/// Brings the next signing key.
async fn post(context: Context, request: Request<Body>) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let query = request::query(&head.uri);
    let actor = auth::operator(&context, &head.headers)?;
    let fields = request::fields(body).await?;
    only(FIELDS, &fields)?;
    let from = if fields.boolean("now")?.unwrap_or(false) { SignFrom::Now } else { SignFrom::PublishedAhead };
    request::check_wait(&query)?;
    let rotated = context.control.rotate_signing_key(&actor, from).await.map_err(refuse)?;
    let enforced = request::wait(&context, &query, rotated.revision).await?;
    let body = SigningKeyAnswer::from(rotated.key);
    Ok(answers::changed(StatusCode::CREATED, body, rotated.revision, enforced))
}

fn refuse(error: SigningKeyError) -> Problem {
    match error {
        SigningKeyError::TooMany => Problem::new(Reason::QuotaReached, sentence(&error)),
        SigningKeyError::NotFound(_) | SigningKeyError::AlreadyRevoked(_) => {
            Problem::not_found(sentence(&error))
        }
        SigningKeyError::Key(error) => Problem::internal(&error),
        SigningKeyError::Store(error) => error.into(),
    }
}
