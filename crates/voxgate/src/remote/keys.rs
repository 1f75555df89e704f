//! API keys over the management API.

use ::http::Method;
use domain::WorkspaceId;
use serde_json::{Value, json};

use super::Remote;
use super::call::{in_workspace, not_remote};
use crate::operator::{CallError, KeyCall, NewExpiry, shapes};

impl Remote {
    /// Runs a call about API keys.
    pub(super) async fn keys(&self, call: KeyCall) -> Result<Value, CallError> {
        match call {
            KeyCall::Create {
                workspace,
                project,
                name,
                areas,
                products,
                expires_at,
                networks,
                client_ref,
            } => {
                let mut body = json!({"name": name});
                body["project_id"] = match project {
                    Some(id) => json!(id),
                    None => self.default_project(workspace).await?,
                };
                set(&mut body, "areas", areas);
                set(&mut body, "products", products);
                set(&mut body, "expires_at", expires_at.map(domain::Timestamp::to_rfc3339));
                set(&mut body, "client_ref", client_ref);
                set(&mut body, "networks", (!networks.0.is_empty()).then_some(networks));
                let created =
                    self.send(Method::POST, &in_workspace("/v1/api-keys", workspace), &body).await?;
                Ok(self.created(workspace, &body, &created).await)
            }
            KeyCall::List { workspace, project } => {
                let mut path = in_workspace("/v1/api-keys", workspace);
                if let Some(project) = project {
                    path.push(if path.contains('?') { '&' } else { '?' });
                    path.push_str(&format!("project_id={project}"));
                }
                Ok(shapes::KEY.of_all(self.get(&path).await?.as_array().map_or(&[], Vec::as_slice)))
            }
            KeyCall::Rotate { workspace, id, overlap_seconds } => {
                let path = in_workspace(&format!("/v1/api-keys/{id}/rotate"), workspace);
                let rotated =
                    self.send(Method::POST, &path, &json!({"overlap_seconds": overlap_seconds})).await?;
                let mut shown = self.created(workspace, &json!({}), &rotated).await;
                shown["old_expires_at"] = rotated["old_expires_at"].clone();
                Ok(shown)
            }
            KeyCall::Change { workspace, id, name, expires_at, areas, products, networks } => {
                let mut body = json!({});
                set(&mut body, "name", name);
                set(&mut body, "areas", areas);
                set(&mut body, "products", products);
                set(&mut body, "networks", networks);
                if let Some(expiry) = expires_at {
                    body["expires_at"] = match expiry {
                        NewExpiry::Never => Value::Null,
                        NewExpiry::At(moment) => json!(moment.to_rfc3339()),
                    };
                }
                let path = in_workspace(&format!("/v1/api-keys/{id}"), workspace);
                Ok(shapes::KEY.of(&self.send(Method::PATCH, &path, &body).await?))
            }
            KeyCall::Import { .. } | KeyCall::Project { .. } => {
                Err(not_remote("importing keys", "it goes by way of the server's own machine"))
            }
            KeyCall::Revoke { workspace, id } => {
                let path = in_workspace(&format!("/v1/api-keys/{id}"), workspace);
                self.end(&path, json!({"apikey_id": id})).await
            }
        }
    }

    /// The new key as lists show it, with its secret. The secret is shown whatever becomes of the list: nobody could ask
    /// for it again.
    async fn created(&self, workspace: Option<WorkspaceId>, asked: &Value, created: &Value) -> Value {
        let listed = self.get(&in_workspace("/v1/api-keys", workspace)).await.unwrap_or_default();
        let mut keys = listed.as_array().into_iter().flatten();
        let mut shown = match keys.find(|key| key["apikey_id"] == created["apikey_id"]) {
            Some(key) => shapes::KEY.of(key),
            None => shapes::KEY.of(asked),
        };
        shown["apikey_id"] = created["apikey_id"].clone();
        shown["key_value"] = created["key_value"].clone();
        shown
    }
}

fn set(body: &mut Value, field: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        body[field] = json!(value);
    }
}
