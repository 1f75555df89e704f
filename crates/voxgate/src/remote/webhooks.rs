//! Webhooks over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, WebhookCall};

const PATH: &str = "/v1/webhooks";

impl Remote {
    /// Runs a call about webhooks.
    pub(super) async fn webhooks(&self, call: WebhookCall) -> Result<Value, CallError> {
        match call {
            WebhookCall::Create { workspace, url, events } => {
                let body = json!({"url": url, "events": events});
                self.send(Method::POST, &in_workspace(PATH, workspace), &body).await
            }
            WebhookCall::List { workspace } => {
                Ok(self.get(&in_workspace(PATH, workspace)).await?["webhooks"].take())
            }
            WebhookCall::Rotate { workspace, id, overlap_seconds } => {
                let path = in_workspace(&format!("{PATH}/{id}/rotate"), workspace);
                self.send(Method::POST, &path, &json!({"overlap_seconds": overlap_seconds})).await
            }
            WebhookCall::Remove { workspace, id } => {
                let path = in_workspace(&format!("{PATH}/{id}"), workspace);
                self.ask(Method::DELETE, &path, None).await?;
                Ok(json!({"webhook_id": id}))
            }
            WebhookCall::Messages { workspace, id, limit } => {
                let path = in_workspace(&format!("{PATH}/{id}/messages"), workspace);
                let path = format!("{path}{}limit={limit}", if path.contains('?') { '&' } else { '?' });
                Ok(self.get(&path).await?["messages"].take())
            }
            WebhookCall::Resend { workspace, id, message } => {
                let path = in_workspace(&format!("{PATH}/{id}/messages/{message}/resend"), workspace);
                self.ask(Method::POST, &path, None).await?;
                Ok(json!({"webhook_id": id, "message_id": message}))
            }
        }
    }
}
