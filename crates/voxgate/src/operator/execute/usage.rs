//! Reading the usage.

use control::usage_days;
use domain::usage::{Day, UsageQuery};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, UsageCall, views};

impl Operator {
    /// The usage that is asked for.
    pub(super) async fn usage(&self, call: UsageCall) -> Result<Value, CallError> {
        let UsageCall { workspace, since, until, groups, filter } = call;
        let workspace_id = self.workspace(workspace).await?.id;
        let days = usage_days(since.map(Day::of), until.map(Day::of), self.control.now());
        let (since, until) =
            days.ok_or_else(|| CallError("--since comes after --until: give an earlier day".to_owned()))?;
        let query = UsageQuery {
            workspace_id,
            since,
            until,
            project_id: filter.project_id,
            api_key_id: filter.api_key_id,
            client_ref: filter.client_ref,
            region: filter.region,
            groups: groups.into_iter().collect(),
        };
        let rows = self.control.sum_usage(&query).await.map_err(failed)?;
        let refusals = self.control.sum_refusals(&query).await.map_err(failed)?;
        let row = |(key, counts)| views::usage(key, counts, refusals.get(key));
        let usage: Value = rows.iter().map(|(key, counts)| row((key, counts))).collect();
        Ok(json!({"since": since.to_string(), "until": until.to_string(), "usage": usage}))
    }
}
