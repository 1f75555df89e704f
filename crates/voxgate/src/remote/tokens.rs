//! Management tokens over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, TokenCall, shapes};

impl Remote {
    /// Runs a call about management tokens.
    pub(super) async fn tokens(&self, call: TokenCall) -> Result<Value, CallError> {
        match call {
            TokenCall::Create { workspace, name, permissions } => {
                let path = in_workspace("/v1/management-tokens", workspace);
                let body = json!({"name": name, "permissions": permissions});
                let created = self.send(Method::POST, &path, &body).await?;
                let mut shown = shapes::TOKEN.of(&created);
                shown["token_value"] = created["token_value"].clone();
                Ok(shown)
            }
            TokenCall::List { workspace } => {
                let tokens = self
                    .pages(&in_workspace("/v1/management-tokens", workspace), "management_tokens")
                    .await?;
                Ok(shapes::TOKEN.of_all(&tokens))
            }
            TokenCall::Revoke { workspace, id } => {
                let path = in_workspace(&format!("/v1/management-tokens/{id}"), workspace);
                self.end(&path, json!({"token_id": id})).await
            }
        }
    }
}
