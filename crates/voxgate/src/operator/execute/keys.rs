//! Running calls about API keys.

use control::{Actor, NewKey};
use serde_json::{Value, json};

use super::{Operator, UNNAMED, failed};
use crate::operator::{CallError, KeyCall, views};

impl Operator {
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
                let workspace = self.workspace(workspace).await?;
                let project_id = self.project(workspace.id, project).await?;
                let name = if name.is_empty() { UNNAMED.to_owned() } else { name };
                let new = NewKey { project_id, name, areas, products, expires_at, networks, client_ref };
                let created =
                    self.control.create_key(&Actor::Operator, workspace.id, new).await.map_err(failed)?;
                let mut answer = views::key(&created.key);
                answer["key_value"] = json!(created.secret.expose());
                Ok(answer)
            }
            KeyCall::List { workspace, project } => {
                let workspace = self.workspace(workspace).await?;
                let keys = self.control.list_keys(workspace.id, project).await.map_err(failed)?;
                Ok(keys.iter().map(views::key).collect())
            }
            KeyCall::Revoke { workspace, id } => {
                let workspace = self.workspace(workspace).await?;
                let revision =
                    self.control.revoke_key(&Actor::Operator, workspace.id, id).await.map_err(failed)?;
                Ok(json!({"apikey_id": id, "revision": revision}))
            }
        }
    }
}
