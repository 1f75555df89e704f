//! Open sessions over the management API.

use ::http::Method;
use domain::link::SessionFilter;
use serde_json::{Value, json};

use super::Remote;
use super::call::{in_workspace, query_value};
use crate::operator::{CallError, SessionCall, shapes};

impl Remote {
    /// Runs a call about open sessions.
    pub(super) async fn sessions(&self, call: SessionCall) -> Result<Value, CallError> {
        match call {
            SessionCall::List { workspace, filter } => {
                let path = narrowed(in_workspace("/v1/sessions", workspace), &filter);
                let answer = self.get(&path).await?;
                let Some(sessions) = answer["sessions"].as_array() else {
                    return Err(CallError(
                        "the server's answer holds no list of sessions: use the same version".to_owned(),
                    ));
                };
                Ok(json!({"sessions": shapes::SESSION.of_all(sessions), "pending": answer["pending"]}))
            }
            SessionCall::End { workspace, id, reason } => {
                let path = in_workspace(&format!("/v1/sessions/{id}"), workspace);
                self.send(Method::DELETE, &path, &json!({"reason": reason})).await?;
                Ok(json!({"session_id": id}))
            }
        }
    }
}

/// A path with what a filter asks for.
pub(super) fn narrowed(mut path: String, filter: &SessionFilter) -> String {
    let pairs = [
        ("project_id", filter.project_id.map(|id| id.to_string())),
        ("apikey_id", filter.api_key_id.map(|id| id.to_string())),
        ("client_ref", filter.client_ref.as_ref().map(ToString::to_string)),
        ("region", filter.region.map(|region| region.to_string())),
    ];
    for (name, value) in pairs {
        let Some(value) = value else { continue };
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&format!("{name}={}", query_value(&value)));
    }
    path
}
