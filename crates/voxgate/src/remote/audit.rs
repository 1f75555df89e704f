//! The audit log and the gateways over the management API.

use serde_json::Value;

use super::Remote;
use super::call::query_value;
use crate::operator::{AuditCall, CallError, shapes};

/// Events that the server tells at once.
const PAGE_EVENTS_MAX: u64 = 100;

impl Remote {
    /// The events that are asked for, oldest first.
    pub(super) async fn audit(&self, call: AuditCall) -> Result<Value, CallError> {
        let mut events = Vec::new();
        let mut after = call.after;
        while (events.len() as u64) < call.limit {
            let limit = (call.limit - events.len() as u64).min(PAGE_EVENTS_MAX);
            let mut answer = self.get(&path(&call, after, limit)).await?;
            let Value::Array(mut page) = answer["events"].take() else {
                return Err(CallError(
                    "the server's answer holds no list of events: use the same version".to_owned(),
                ));
            };
            let newest = page.last().and_then(|event| event["sequence"].as_u64());
            events.append(&mut page);
            match newest {
                Some(newest) if !answer["next"].is_null() && newest > after => after = newest,
                _ => break,
            }
        }
        Ok(shapes::AUDIT_EVENT.of_all(&events))
    }

    /// What is known of each connected gateway.
    pub(super) async fn gateways(&self) -> Result<Value, CallError> {
        let mut answer = self.get("/v1/gateways").await?;
        match answer["gateways"].take() {
            Value::Array(gateways) => Ok(shapes::GATEWAY.of_all(&gateways)),
            _ => Err(CallError(
                "the server's answer holds no list of gateways: use the same version".to_owned(),
            )),
        }
    }
}

fn path(call: &AuditCall, after: u64, limit: u64) -> String {
    let mut path = format!("/v1/audit?after={after}&limit={limit}");
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", query_value(&value)));
        }
    };
    add("workspace_id", call.workspace.map(|id| id.to_string()));
    add("action", call.action.map(|action| action.to_string()));
    add("since", call.since.map(domain::Timestamp::to_rfc3339));
    add("until", call.until.map(domain::Timestamp::to_rfc3339));
    path
}
