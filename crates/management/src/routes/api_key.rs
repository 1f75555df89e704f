//! `/v1/api-keys/{apikey_id}`: one API key.

use axum::extract::{Path, State};
use axum::response::Response;
use control::{Actor, RevokeKeyError};
use domain::{ApiKeyId, Permission};
use http::{HeaderMap, StatusCode, Uri};
use serde_json::json;

use crate::auth;
use crate::context::Context;
use crate::problem::Problem;
use crate::request;
use crate::routes::answers;

/// Revokes an API key and everything born of it.
pub(crate) async fn delete(
    State(context): State<Context>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = request::query(&uri);
    let manager = auth::manager(&context, &headers, Permission::DeleteApiKeys)?;
    request::check_wait(&query)?;
    let unknown =
        || Problem::not_found("There is no such API key in this workspace. GET /v1/api-keys lists them.");
    let id = ApiKeyId::parse(&id).ok_or_else(unknown)?;
    let actor = Actor::ManagementToken(manager.token_id());
    let revision = match context.control.revoke_key(&actor, manager.workspace_id(), id).await {
        Ok(revision) => revision,
        // A revoked key is gone from every list, so a second delete finds nothing.
        Err(RevokeKeyError::NotFound | RevokeKeyError::AlreadyRevoked) => return Err(unknown()),
        Err(RevokeKeyError::Store(error)) => return Err(error.into()),
    };
    let enforced = request::wait(&context, &query, revision).await?;
    Ok(answers::changed(StatusCode::OK, json!({"status": "OK"}), revision, enforced))
}
