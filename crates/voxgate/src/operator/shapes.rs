//! Which fields an answer has: the same ones whichever way the instance was reached.

use serde_json::{Map, Value};

/// The fields of one kind of thing.
#[derive(Debug, Clone, Copy)]
pub struct Shape(&'static [&'static str]);

/// A workspace.
pub const WORKSPACE: Shape = Shape(&["workspace_id", "name", "plan", "home_area", "created_at"]);
/// A workspace with the limits that hold for it, and those that it was granted itself.
pub const WORKSPACE_WITH_LIMITS: Shape =
    Shape(&["workspace_id", "name", "plan", "home_area", "created_at", "limits", "own_limits"]);
/// A member of a workspace.
pub const MEMBER: Shape = Shape(&["account_id", "email", "role"]);
/// An account.
pub const ACCOUNT: Shape =
    Shape(&["account_id", "email", "state", "is_operator", "created_at", "disabled_at"]);
/// A one-time link to the portal.
pub const LINK: Shape = Shape(&["path", "url", "expires_at"]);
/// An event of the audit log.
pub const AUDIT_EVENT: Shape = Shape(&[
    "sequence",
    "at",
    "workspace_id",
    "actor",
    "actor_name",
    "from",
    "action",
    "subject",
    "subject_name",
    "detail",
]);
/// A connected gateway.
pub const GATEWAY: Shape = Shape(&[
    "name",
    "version",
    "regions",
    "enforced_revision",
    "newest_revision",
    "lag",
    "heard_at",
    "sessions",
]);
/// An open session.
pub const SESSION: Shape = Shape(&[
    "session_id",
    "apikey_id",
    "jti",
    "project_id",
    "client_ref",
    "region",
    "product",
    "started_at",
    "audio_seconds",
    "peer",
]);
/// A project.
pub const PROJECT: Shape = Shape(&["project_id", "name", "description", "is_default", "created_at"]);
/// An API key.
pub const KEY: Shape = Shape(&[
    "apikey_id",
    "name",
    "hint",
    "project_id",
    "areas",
    "products",
    "networks",
    "client_ref",
    "created_at",
    "expires_at",
    "last_used_at",
    "temporary_keys_last_used_at",
    "imported_at",
    "rotated_from",
    "revoked_at",
]);
/// A signing key.
pub const SIGNING_KEY: Shape =
    Shape(&["kid", "algorithm", "state", "created_at", "signs_from", "retired_at"]);
/// A management token.
pub const TOKEN: Shape =
    Shape(&["token_id", "name", "hint", "permissions", "created_at", "last_used_at", "revoked_at"]);

impl Shape {
    /// A thing with exactly these fields; one that isn't told is null.
    pub fn of(self, value: &Value) -> Value {
        let fields = self.0.iter().map(|field| ((*field).to_owned(), value[*field].clone()));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    /// Each thing of a list.
    pub fn of_all(self, values: &[Value]) -> Value {
        values.iter().map(|value| self.of(value)).collect()
    }
}
