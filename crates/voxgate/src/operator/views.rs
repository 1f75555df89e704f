//! What calls answer: everything but secrets and hashes, as JSON with stable names.

use domain::{ApiKey, ManagementToken, Project, Workspace};
use serde_json::{Value, json};

pub(super) fn workspace(workspace: &Workspace) -> Value {
    json!({
        "workspace_id": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "home_area": workspace.home_area,
        "created_at": workspace.created_at.to_rfc3339(),
    })
}

pub(super) fn project(project: &Project) -> Value {
    json!({
        "project_id": project.id,
        "name": project.name,
        "description": project.description,
        "is_default": project.is_default,
        "created_at": project.created_at.to_rfc3339(),
    })
}

pub(super) fn key(key: &ApiKey) -> Value {
    json!({
        "apikey_id": key.id,
        "name": key.name,
        "hint": key.hint,
        "project_id": key.project_id,
        "areas": key.areas,
        "products": key.products,
        "networks": key.networks,
        "client_ref": key.client_ref,
        "created_at": key.created_at.to_rfc3339(),
        "expires_at": key.expires_at.map(domain::Timestamp::to_rfc3339),
        "last_used_at": key.last_used_at.map(domain::Timestamp::to_rfc3339),
        "revoked_at": key.state.revoked_at().map(domain::Timestamp::to_rfc3339),
    })
}

pub(super) fn token(token: &ManagementToken) -> Value {
    json!({
        "token_id": token.id,
        "name": token.name,
        "hint": token.hint,
        "permissions": token.permissions,
        "created_at": token.created_at.to_rfc3339(),
        "last_used_at": token.last_used_at.map(domain::Timestamp::to_rfc3339),
        "revoked_at": token.state.revoked_at().map(domain::Timestamp::to_rfc3339),
    })
}
