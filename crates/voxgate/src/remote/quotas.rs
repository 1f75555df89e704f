//! Quotas on audio over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, QuotaCall};

const PATH: &str = "/v1/quotas";

impl Remote {
    /// Runs a call about quotas.
    pub(super) async fn quotas(&self, call: QuotaCall) -> Result<Value, CallError> {
        match call {
            QuotaCall::List { workspace } => self.get(&in_workspace(PATH, workspace)).await,
            QuotaCall::Set { workspace, project, scope, audio_seconds_max } => {
                let project = match project {
                    Some(id) => json!(id),
                    None => self.default_project(workspace).await?,
                };
                let (kind, name) = scope.parts();
                let name = Some(name).filter(|name| !name.is_empty());
                let body = json!({"project_id": project, "scope": kind, "name": name,
                    "audio_seconds_per_month_max": audio_seconds_max});
                let answer = json!({"project_id": project, "scope": kind});
                self.enforce(Method::PUT, &in_workspace(PATH, workspace), Some(&body), answer).await
            }
        }
    }
}
