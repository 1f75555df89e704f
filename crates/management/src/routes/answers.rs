//! The shapes of answers.

use axum::response::{IntoResponse, Response};
use control::Enforced;
use domain::link::Revision;
use domain::{ApiKey, Project};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// Tells the revision that a change came with.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("voxgate-revision");

/// An answer to a change: the documented body, the revision, and who enforces it where that was asked.
pub(crate) fn changed(
    status: StatusCode,
    body: impl Serialize,
    revision: Revision,
    enforced: Option<Enforced>,
) -> Response {
    let body = Changed {
        body,
        enforced: enforced
            .map(|enforced| EnforcedBy { enforced: enforced.enforced, pending: enforced.pending }),
    };
    let mut response = (status, axum::Json(body)).into_response();
    response.headers_mut().insert(REVISION, HeaderValue::from(revision.0));
    response
}

#[derive(Serialize)]
struct Changed<B> {
    #[serde(flatten)]
    body: B,
    #[serde(flatten)]
    enforced: Option<EnforcedBy>,
}

#[derive(Serialize)]
struct EnforcedBy {
    enforced: Vec<String>,
    pending: Vec<String>,
}

/// An API key in lists.
#[derive(Debug, Serialize)]
pub(crate) struct ApiKeyAnswer {
    apikey_id: String,
    name: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ref: Option<String>,
    project_id: i64,
    hint: String,
    areas: domain::AreaSet,
    products: domain::ProductSet,
    networks: domain::Networks,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

impl From<ApiKey> for ApiKeyAnswer {
    fn from(key: ApiKey) -> Self {
        Self {
            apikey_id: key.id.to_string(),
            name: key.name,
            created_at: key.created_at.to_rfc3339(),
            client_ref: key.client_ref.map(String::from),
            project_id: key.project_id.get(),
            hint: key.hint,
            areas: key.areas,
            products: key.products,
            networks: key.networks,
            expires_at: key.expires_at.map(domain::Timestamp::to_rfc3339),
            last_used_at: key.last_used_at.map(domain::Timestamp::to_rfc3339),
        }
    }
}

/// A project.
#[derive(Debug, Serialize)]
pub(crate) struct ProjectAnswer {
    project_id: i64,
    is_default: bool,
    is_active: bool,
    name: String,
    description: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
}

impl From<Project> for ProjectAnswer {
    fn from(project: Project) -> Self {
        Self {
            project_id: project.id.get(),
            is_default: project.is_default,
            is_active: project.deleted_at.is_none(),
            name: project.name,
            description: project.description,
            created_at: project.created_at.to_rfc3339(),
            deleted_at: project.deleted_at.map(domain::Timestamp::to_rfc3339),
        }
    }
}
