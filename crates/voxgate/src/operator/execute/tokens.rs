//! Running calls about management tokens.

use control::Actor;
use serde_json::{Value, json};

use super::{Operator, UNNAMED, failed};
use crate::operator::{CallError, TokenCall, views};

impl Operator {
    /// Runs a call about management tokens.
    pub(super) async fn tokens(&self, call: TokenCall) -> Result<Value, CallError> {
        match call {
            TokenCall::Create { workspace, name, permissions } => {
                let workspace = self.workspace(workspace).await?;
                let name = if name.is_empty() { UNNAMED.to_owned() } else { name };
                let created = self
                    .control
                    .create_management_token(&Actor::OPERATOR, workspace.id, &name, permissions)
                    .await
                    .map_err(failed)?;
                let mut answer = views::token(&created.token);
                answer["token_value"] = json!(created.secret.expose());
                Ok(answer)
            }
            TokenCall::List { workspace } => {
                let workspace = self.workspace(workspace).await?;
                let tokens = self.control.list_management_tokens(workspace.id).await.map_err(failed)?;
                Ok(tokens.iter().map(views::token).collect())
            }
            TokenCall::Revoke { workspace, id } => {
                let workspace = self.workspace(workspace).await?;
                let revision = self
                    .control
                    .revoke_management_token(&Actor::OPERATOR, workspace.id, id)
                    .await
                    .map_err(failed)?;
                Ok(self.enforced(json!({"token_id": id}), revision).await)
            }
        }
    }
}
