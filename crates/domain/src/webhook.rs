//! Webhooks: addresses that a workspace has told of what happens to its API keys and sessions.

use crate::{Timestamp, WebhookId, WebhookMessageId, WorkspaceId, bit_set, named_enum};

named_enum! {
    /// What a webhook is told of.
    WebhookEvent {
        /// An API key was made.
        ApiKeyCreated = "api_key.created",
        /// An API key got a successor, and expires when their overlap ends.
        ApiKeyRotated = "api_key.rotated",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// An API key has expired.
        ApiKeyExpired = "api_key.expired",
        /// An API key was revoked because others have got hold of it.
        ApiKeyLeaked = "api_key.leaked",
        /// A realtime session was opened.
        SessionStarted = "session.started",
        /// A realtime session is over.
        SessionEnded = "session.ended",
    }
}

bit_set! {
    /// What a webhook is told of.
    WebhookEvents of WebhookEvent in u8
}

impl WebhookEvent {
    /// Whether gateways tell of it.
    pub const fn is_of_sessions(self) -> bool {
        matches!(self, Self::SessionStarted | Self::SessionEnded)
    }
}

/// A webhook without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The workspace whose events it is told of.
    pub workspace_id: WorkspaceId,
    /// Where it is.
    pub url: String,
    /// What it is told of.
    pub events: WebhookEvents,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when messages are also signed with the secret before the present one.
    pub former_secret_until: Option<Timestamp>,
}

named_enum! {
    /// How far a message has come.
    MessageState {
        /// It will be tried, again or for the first time.
        Waiting = "waiting",
        /// The webhook has taken it.
        Delivered = "delivered",
        /// It was tried as often as it is.
        Failed = "failed",
    }
}

/// A message for a webhook, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// Its id: the `webhook-id` of every try.
    pub id: WebhookMessageId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// What it tells of.
    pub event: WebhookEvent,
    /// The body, as JSON.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_try_at: Option<Timestamp>,
    /// When it was tried last.
    pub tried_at: Option<Timestamp>,
    /// What the webhook answered last, if it answered.
    pub status: Option<u16>,
    /// What went wrong last, if it did.
    pub problem: Option<String>,
}
