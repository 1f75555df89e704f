//! The audit log and the gateways over the management API.

use serde_json::Value;

use super::Remote;
use super::call::query_value;
use crate::operator::{AuditCall, CallError, shapes};

/// Events that the server tells at once.
const PAGE_EVENTS_MAX: u64 = 100;

impl Remote {
    /// The events that are asked for, oldest first. Where a page begins is the server's to say, so that events before the
    /// number that is asked for are read and left out.
    pub(super) async fn audit(&self, call: AuditCall) -> Result<Value, CallError> {
        let mut events = Vec::new();
        let mut next = None;
        while (events.len() as u64) < call.limit {
            let mut answer = self.get(&path(&call, next.as_deref())).await?;
            let Value::Array(page) = answer["events"].take() else {
                return Err(CallError(
                    "the server's answer holds no list of events: use the same version".to_owned(),
                ));
            };
            events.extend(page.into_iter().filter(|event| event["sequence"].as_u64() > Some(call.after)));
            next = answer["next"].as_str().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        events.truncate(usize::try_from(call.limit).unwrap_or(usize::MAX));
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

fn path(call: &AuditCall, next: Option<&str>) -> String {
    let mut path = format!("/v1/audit?limit={PAGE_EVENTS_MAX}");
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={}", query_value(&value)));
        }
    };
    match call.workspace {
        Some(id) => add("workspace_id", Some(id.to_string())),
        None => add("scope", Some("instance".to_owned())),
    }
    add("after", next.map(str::to_owned));
    add("action", call.action.map(|action| action.to_string()));
    add("since", call.since.map(domain::Timestamp::to_rfc3339));
    add("until", call.until.map(domain::Timestamp::to_rfc3339));
    path
}
