//! The usage over the management API.

use domain::usage::Day;
use serde_json::Value;

use super::Remote;
use super::call::in_workspace;
use super::sessions::narrowed;
use crate::operator::{CallError, UsageCall};

impl Remote {
    /// The usage that is asked for.
    pub(super) async fn usage(&self, call: UsageCall) -> Result<Value, CallError> {
        let mut path = narrowed(in_workspace("/v1/usage", call.workspace), &call.filter);
        let groups: Vec<&str> = call.groups.iter().map(|group| group.as_str()).collect();
        let pairs = [
            ("since", call.since.map(|since| Day::of(since).to_string())),
            ("until", call.until.map(|until| Day::of(until).to_string())),
            ("group_by", (!groups.is_empty()).then(|| groups.join(","))),
        ];
        for (name, value) in pairs {
            let Some(value) = value else { continue };
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&format!("{name}={value}"));
        }
        self.get(&path).await
    }
}
