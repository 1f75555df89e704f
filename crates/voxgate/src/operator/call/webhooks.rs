//! Calls about webhooks.

use domain::{WebhookEvent, WebhookId, WebhookMessageId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A call about webhooks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookCall {
    /// Make one.
    Create {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Where it is.
        url: String,
        /// What it is told of.
        events: Vec<WebhookEvent>,
    },
    /// List them.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
    /// Give one another secret.
    Rotate {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which one.
        id: WebhookId,
        /// How long both secrets are good, in seconds.
        overlap_seconds: u32,
    },
    /// Remove one.
    Remove {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which one.
        id: WebhookId,
    },
    /// Tell what was sent to one.
    Messages {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which one.
        id: WebhookId,
        /// At most so many, newest first.
        limit: u32,
    },
    /// Send a message again.
    Resend {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which one.
        id: WebhookId,
        /// The message.
        message: WebhookMessageId,
    },
}
