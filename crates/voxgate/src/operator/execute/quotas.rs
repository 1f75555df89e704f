//! Running calls about quotas on audio.

use control::Actor;
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, QuotaCall, views};

impl Operator {
    /// Runs a call about quotas.
    pub(super) async fn quotas(&self, call: QuotaCall) -> Result<Value, CallError> {
        match call {
            QuotaCall::List { workspace } => {
                let workspace = self.workspace(workspace).await?.id;
                let quotas = self.control.audio_quotas(workspace).await.map_err(failed)?;
                let missing = || CallError("there is no such workspace any more".to_owned());
                Ok(views::quotas(&quotas.ok_or_else(missing)?))
            }
            QuotaCall::Set { workspace, project, scope, audio_seconds_max } => {
                let workspace = self.workspace(workspace).await?.id;
                let project = self.project(workspace, project).await?;
                let (actor, control) = (&Actor::OPERATOR, &self.control);
                let answer = json!({"project_id": project, "scope": scope.parts().0});
                let revision = match audio_seconds_max {
                    Some(max) => control
                        .set_audio_quota(actor, workspace, project, scope, max)
                        .await
                        .map_err(failed)?,
                    None => {
                        control.remove_audio_quota(actor, workspace, project, &scope).await.map_err(failed)?
                    }
                };
                Ok(self.enforced(answer, revision).await)
            }
        }
    }
}
