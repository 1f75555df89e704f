//! API keys over the management API.

use ::http::Method;
use domain::WorkspaceId;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, KeyCall, shapes};

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
            KeyCall::Revoke { workspace, id } => {
                let revision = self.delete(&in_workspace(&format!("/v1/api-keys/{id}"), workspace)).await?;
                Ok(json!({"apikey_id": id, "revision": revision}))
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
