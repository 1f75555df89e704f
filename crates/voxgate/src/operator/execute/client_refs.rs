//! Running calls about end users.

use std::collections::BTreeMap;

use control::Actor;
use domain::{ClientRef, ProjectId};
use gateway::Gateway;
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, ForgetCall};

impl Operator {
    /// Forgets an end user, and tells what that came to. Jobs are forgotten where a gateway runs in this process.
    pub(super) async fn forget(&self, call: ForgetCall) -> Result<Value, CallError> {
        let ForgetCall { workspace, project, client_ref } = call;
        let workspace = self.workspace(workspace).await?.id;
        let forgotten =
            self.control.forget_client_ref(&Actor::OPERATOR, workspace, project, &client_ref).await;
        let forgotten = forgotten.map_err(failed)?;
        let jobs = match &self.gateway {
            None => Value::Null,
            Some(gateway) => jobs(gateway, &forgotten.projects, &client_ref).await?,
        };
        Ok(json!({
            "client_ref": client_ref,
            "usage_lines": forgotten.usage_lines,
            "webhook_messages": forgotten.webhook_messages,
            "audit_names": forgotten.audit_names,
            "quotas": forgotten.quotas,
            "jobs": jobs,
            "shut_out_of": forgotten.shut_out_of,
            "api_keys": forgotten.api_keys,
        }))
    }
}

/// Forgets the jobs of these projects, and tells by region what became of them.
async fn jobs(gateway: &Gateway, projects: &[ProjectId], client_ref: &ClientRef) -> Result<Value, CallError> {
    let mut regions: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for project in projects {
        let told = gateway.forget_jobs(*project, client_ref).await.map_err(|error| {
            let CallError(why) = failed(error);
            CallError(format!(
                "the usage and the names are forgotten, not all jobs are: {why}. Run this again"
            ))
        })?;
        for region in told {
            let sum = regions.entry(region.region.to_string()).or_default();
            sum.0 += region.forgotten;
            sum.1 += region.kept_at_engine;
            sum.2 += region.failed;
        }
    }
    let row = |(region, (forgotten, kept, failed)): (String, (u64, u64, u64))| json!({"region": region, "forgotten": forgotten, "kept_at_engine": kept, "failed": failed});
    Ok(regions.into_iter().map(row).collect())
}
