//! Running calls about API keys.

use control::{Actor, KeyChange, NewKey};
use serde_json::{Value, json};

use super::{Operator, UNNAMED, failed};
use crate::operator::{CallError, KeyCall, NewExpiry, views};

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
                    self.control.create_key(&Actor::OPERATOR, workspace.id, new).await.map_err(failed)?;
                let mut answer = views::key(&created.key);
                answer["key_value"] = json!(created.secret.expose());
                Ok(answer)
            }
            KeyCall::List { workspace, project } => {
                let workspace = self.workspace(workspace).await?;
                let keys = self.control.list_keys(workspace.id, project).await.map_err(failed)?;
                Ok(keys.iter().map(views::key).collect())
            }
            KeyCall::Rotate { workspace, id, overlap_seconds } => {
                let workspace = self.workspace(workspace).await?;
                let rotated =
                    self.control.rotate_key(&Actor::OPERATOR, workspace.id, id, overlap_seconds).await;
                let rotated = rotated.map_err(failed)?;
                let mut answer = views::key(&rotated.key);
                answer["key_value"] = json!(rotated.secret.expose());
                answer["old_expires_at"] = json!(rotated.old_expires_at.to_rfc3339());
                Ok(answer)
            }
            KeyCall::Change { workspace, id, name, expires_at, areas, products, networks } => {
                let workspace = self.workspace(workspace).await?;
                let expires_at = expires_at.map(|expiry| match expiry {
                    NewExpiry::Never => None,
                    NewExpiry::At(moment) => Some(moment),
                });
                let change = KeyChange { name, expires_at, areas, products, networks };
                let changed = self
                    .control
                    .change_key(&Actor::OPERATOR, workspace.id, id, change)
                    .await
                    .map_err(failed)?;
                let mut answer = views::key(&changed.key);
                answer["revision"] = json!(changed.revision);
                Ok(answer)
            }
            KeyCall::Import { workspace, dry_run, rows } => {
                let workspace = self.workspace(workspace).await?.id;
                let report = if dry_run {
                    self.control.check_import(workspace, &rows).await
                } else {
                    self.control.import_keys(&Actor::OPERATOR, workspace, rows).await
                };
                let report = report.map_err(failed)?;
                Ok(json!({"imported": report.imported, "known": report.known, "refused": report.refused,
                          "revision": report.revision}))
            }
            KeyCall::Project { workspace, project } => {
                let workspace = self.workspace(workspace).await?;
                Ok(json!({"project_id": self.project(workspace.id, project).await?}))
            }
            KeyCall::Revoke { workspace, id } => {
                let workspace = self.workspace(workspace).await?;
                let revision =
                    self.control.revoke_key(&Actor::OPERATOR, workspace.id, id).await.map_err(failed)?;
                Ok(self.enforced(json!({"apikey_id": id}), revision).await)
            }
        }
    }
}
