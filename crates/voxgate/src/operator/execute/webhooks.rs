//! Running calls about webhooks.

use control::{Actor, CreatedWebhook};
use domain::WebhookEvents;
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, WebhookCall, views};

impl Operator {
    /// Runs a call about webhooks.
    pub(super) async fn webhooks(&self, call: WebhookCall) -> Result<Value, CallError> {
        let (actor, control) = (&Actor::OPERATOR, &self.control);
        match call {
            WebhookCall::Create { workspace, url, events } => {
                let workspace = self.workspace(workspace).await?.id;
                let events = WebhookEvents::from_iter(events);
                let made = control.create_webhook(actor, workspace, &url, events).await.map_err(failed)?;
                Ok(with_secret(&made))
            }
            WebhookCall::List { workspace } => {
                let workspace = self.workspace(workspace).await?.id;
                let webhooks = control.list_webhooks(workspace).await.map_err(failed)?;
                Ok(webhooks.iter().map(views::webhook).collect())
            }
            WebhookCall::Rotate { workspace, id, overlap_seconds } => {
                let workspace = self.workspace(workspace).await?.id;
                let rotated = control.rotate_webhook(actor, workspace, id, overlap_seconds).await;
                Ok(with_secret(&rotated.map_err(failed)?))
            }
            WebhookCall::Remove { workspace, id } => {
                let workspace = self.workspace(workspace).await?.id;
                control.remove_webhook(actor, workspace, id).await.map_err(failed)?;
                Ok(json!({"webhook_id": id}))
            }
            WebhookCall::Messages { workspace, id, limit } => {
                let workspace = self.workspace(workspace).await?.id;
                let messages = control.webhook_messages(workspace, id, None, limit.into()).await;
                Ok(messages.map_err(failed)?.iter().map(views::webhook_message).collect())
            }
            WebhookCall::Resend { workspace, id, message } => {
                let workspace = self.workspace(workspace).await?.id;
                control.resend_webhook_message(actor, workspace, id, message).await.map_err(failed)?;
                Ok(json!({"webhook_id": id, "message_id": message}))
            }
        }
    }
}

fn with_secret(created: &CreatedWebhook) -> Value {
    let mut view = views::webhook(&created.webhook);
    view["secret"] = json!(created.secret.expose());
    view
}
