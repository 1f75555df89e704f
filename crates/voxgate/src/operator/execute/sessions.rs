//! Running calls about open sessions.

use control::Actor;
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, SessionCall, views};

impl Operator {
    /// Runs a call about open sessions.
    pub(super) async fn sessions(&self, call: SessionCall) -> Result<Value, CallError> {
        if self.gateway.is_none() {
            return Err(CallError(
                "no server runs on this data folder, so that no session is open: start it with voxgate serve"
                    .to_owned(),
            ));
        }
        match call {
            SessionCall::List { workspace, filter } => {
                let workspace = self.workspace(workspace).await?.id;
                let open = self.control.gateways().list_sessions(workspace, filter).await;
                let sessions: Value = open.sessions.iter().map(views::session).collect();
                Ok(json!({"sessions": sessions, "pending": open.pending}))
            }
            SessionCall::End { workspace, id, reason } => {
                let workspace = self.workspace(workspace).await?.id;
                let ended = self.control.end_session(&Actor::OPERATOR, workspace, id, &reason).await;
                ended.map_err(failed)?;
                Ok(json!({"session_id": id}))
            }
        }
    }
}
