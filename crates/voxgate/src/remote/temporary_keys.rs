//! Temporary keys over the management API.

use ::http::Method;
use domain::{ClientRef, ProjectId};
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, TemporaryKeyCall};

const REVOKE: &str = "/v1/temporary-keys/revoke";
const READMIT: &str = "/v1/temporary-keys/readmit";

impl Remote {
    /// Runs a call about temporary keys.
    pub(super) async fn temporary_keys(&self, call: TemporaryKeyCall) -> Result<Value, CallError> {
        let (workspace, path, body, answer) = match call {
            TemporaryKeyCall::Revoke { workspace, id } => {
                (workspace, REVOKE, json!({"jti": id}), json!({"temporary_key_id": id}))
            }
            TemporaryKeyCall::RevokeValue { workspace, key_value } => {
                let claims = key_value.split('.').nth(1).and_then(crate::explain::decoded_part);
                let id = claims.map_or(Value::Null, |claims| claims["jti"].clone());
                (workspace, REVOKE, json!({"key_value": key_value}), json!({"temporary_key_id": id}))
            }
            TemporaryKeyCall::ShutOut { workspace, project, client_ref } => {
                (workspace, REVOKE, end_user(project, &client_ref), json!({"client_ref": client_ref}))
            }
            TemporaryKeyCall::Readmit { workspace, project, client_ref } => {
                (workspace, READMIT, end_user(project, &client_ref), json!({"client_ref": client_ref}))
            }
        };
        self.enforce(Method::POST, &in_workspace(path, workspace), Some(&body), answer).await
    }
}

fn end_user(project: Option<ProjectId>, client_ref: &ClientRef) -> Value {
    match project {
        None => json!({"client_ref": client_ref}),
        Some(id) => json!({"client_ref": client_ref, "project_id": id}),
    }
}
