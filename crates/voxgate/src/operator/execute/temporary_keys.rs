//! Running calls about temporary keys.

use control::Actor;
use domain::{TemporaryKeyId, WorkspaceId};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, TemporaryKeyCall};

impl Operator {
    /// Runs a call about temporary keys.
    pub(super) async fn temporary_keys(&self, call: TemporaryKeyCall) -> Result<Value, CallError> {
        match call {
            TemporaryKeyCall::Revoke { workspace, id } => self.revoke_temporary_key(workspace, id).await,
            TemporaryKeyCall::RevokeValue { workspace, key_value } => {
                let id = self.control.temporary_key_id(&key_value).ok_or_else(|| {
                    CallError(
                        "this instance signed no such temporary key, or the key that signed it is gone: nothing \
                         accepts it. voxgate verify says more"
                            .to_owned(),
                    )
                })?;
                self.revoke_temporary_key(workspace, id).await
            }
            TemporaryKeyCall::ShutOut { workspace, project, client_ref } => {
                let workspace = self.workspace(workspace).await?.id;
                let control = &self.control;
                let revision =
                    control.revoke_client_ref_in(&Actor::OPERATOR, workspace, project, &client_ref).await;
                Ok(self.enforced(json!({"client_ref": client_ref}), revision.map_err(failed)?).await)
            }
            TemporaryKeyCall::Readmit { workspace, project, client_ref } => {
                let workspace = self.workspace(workspace).await?.id;
                let control = &self.control;
                let revision =
                    control.readmit_client_ref_in(&Actor::OPERATOR, workspace, project, &client_ref).await;
                Ok(self.enforced(json!({"client_ref": client_ref}), revision.map_err(failed)?).await)
            }
        }
    }

    async fn revoke_temporary_key(
        &self,
        workspace: Option<WorkspaceId>,
        id: TemporaryKeyId,
    ) -> Result<Value, CallError> {
        let workspace = self.workspace(workspace).await?.id;
        let revision = self.control.revoke_temporary_key(&Actor::OPERATOR, workspace, id).await;
        Ok(self.enforced(json!({"temporary_key_id": id}), revision.map_err(failed)?).await)
    }
}
