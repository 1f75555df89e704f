//! Webhooks: made, given another secret, removed; what was sent to them, and sending it again.

use domain::{Timestamp, Webhook, WebhookEvents, WebhookId, WebhookMessage, WebhookMessageId, WorkspaceId};
use storage::{AuditAction, StoreError, StoredWebhook};
use zeroize::Zeroizing;

use crate::{Actor, Control, ControlError, webhook_sign};

/// Webhooks of one workspace.
pub const WEBHOOKS_PER_WORKSPACE_MAX: u64 = 20;
/// How long a webhook's secret is good beside its successor at most, in seconds.
pub const WEBHOOK_OVERLAP_SECONDS_MAX: u32 = 30 * 24 * 3600;
/// Messages that are told of at once.
pub const WEBHOOK_MESSAGES_MAX: u64 = 100;

/// A webhook that was just made.
#[derive(Debug)]
pub struct CreatedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What its messages are signed with: shown now, and never again.
    pub secret: WebhookSecret,
}

/// A webhook's secret: `whsec_` and base64.
pub struct WebhookSecret(Zeroizing<String>);

impl WebhookSecret {
    /// The text, for whoever may see it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// Why a webhook was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateWebhookError {
    /// No such workspace.
    #[error("no such workspace: list the workspaces to see their ids")]
    WorkspaceNotFound,
    /// The address may not be called.
    #[error(
        "a webhook is called at https:// and a host on the public internet, or in a network that this instance allows, and one that it names if it names any, without a name or password in it"
    )]
    Address,
    /// It would be told of nothing.
    #[error("a webhook is told of one event at least")]
    NoEvents,
    /// The workspace has as many as it may.
    #[error("this workspace has {WEBHOOKS_PER_WORKSPACE_MAX} webhooks, as many as it may: remove one first")]
    TooMany,
    /// Nothing can be sealed here now.
    #[error(transparent)]
    Key(#[from] ControlError),
    /// The store failed.
    #[error("the webhook could not be stored")]
    Store(#[from] StoreError),
}

/// Why something was not done with a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No such webhook.
    #[error("no such webhook in this workspace: list the webhooks to see their ids")]
    NotFound,
    /// No such message.
    #[error("this webhook was sent no such message: list its messages to see their ids")]
    MessageNotFound,
    /// Nothing can be sealed here now.
    #[error(transparent)]
    Key(#[from] ControlError),
    /// The store failed.
    #[error("what was to be done with the webhook could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// Makes a webhook. It is told of what happens from then on.
    ///
    /// # Errors
    /// See [`CreateWebhookError`].
    pub async fn create_webhook(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        url: &str,
        events: WebhookEvents,
    ) -> Result<CreatedWebhook, CreateWebhookError> {
        let inner = &self.inner;
        let url = inner.webhooks.allowed(url).ok_or(CreateWebhookError::Address)?;
        if events.is_empty() {
            return Err(CreateWebhookError::NoEvents);
        }
        let now = self.now();
        let _turn = inner.signing.turn().await;
        let (id, secret) = (WebhookId::generate(now, &*inner.rng), webhook_sign::generate(&*inner.rng));
        let webhook =
            Webhook { id, workspace_id, url: url.into(), events, created_at: now, former_secret_until: None };
        let mut change = inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(CreateWebhookError::WorkspaceNotFound);
        }
        if change.count_webhooks(workspace_id).await? >= WEBHOOKS_PER_WORKSPACE_MAX {
            return Err(CreateWebhookError::TooMany);
        }
        let sealed_secret = webhook_sign::seal(id, &secret, &*inner.sealing_key(&change).await?, &*inner.rng);
        let stored = StoredWebhook { webhook, sealed_secret, sealed_former_secret: None };
        change.insert_webhook(&stored).await?;
        let action = AuditAction::WebhookCreated;
        let entry = inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        inner.publish(change, entry).await?;
        let secret = WebhookSecret(webhook_sign::text(&secret));
        Ok(CreatedWebhook { webhook: stored.webhook, secret })
    }

    /// The webhooks of a workspace, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_webhooks(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, StoreError> {
        self.inner.store.list_webhooks(workspace_id).await
    }

    /// Gives a webhook another secret. Messages are signed with both until the overlap ends.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn rotate_webhook(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: WebhookId,
        overlap_seconds: u32,
    ) -> Result<CreatedWebhook, WebhookError> {
        let inner = &self.inner;
        let now = self.now();
        let overlap_seconds = overlap_seconds.min(WEBHOOK_OVERLAP_SECONDS_MAX);
        let _turn = inner.signing.turn().await;
        let mut change = inner.store.change().await?;
        let stored = change.find_webhook(workspace_id, id).await?.ok_or(WebhookError::NotFound)?;
        let secret = webhook_sign::generate(&*inner.rng);
        let master_key = inner.sealing_key(&change).await?;
        let until = now.plus_seconds(overlap_seconds.into());
        let rotated = StoredWebhook {
            webhook: Webhook {
                former_secret_until: (overlap_seconds > 0).then_some(until),
                ..stored.webhook
            },
            sealed_secret: webhook_sign::seal(id, &secret, &master_key, &*inner.rng),
            sealed_former_secret: (overlap_seconds > 0).then_some(stored.sealed_secret),
        };
        change.set_webhook_secrets(&rotated).await?;
        let action = AuditAction::WebhookRotated;
        let mut entry = inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        entry.detail = format!("overlap {overlap_seconds} seconds");
        inner.publish(change, entry).await?;
        let secret = WebhookSecret(webhook_sign::text(&secret));
        Ok(CreatedWebhook { webhook: rotated.webhook, secret })
    }

    /// Removes a webhook, with what was to be sent to it.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn remove_webhook(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: WebhookId,
    ) -> Result<(), WebhookError> {
        let inner = &self.inner;
        let mut change = inner.store.change().await?;
        if !change.delete_webhook(workspace_id, id).await? {
            return Err(WebhookError::NotFound);
        }
        let action = AuditAction::WebhookRemoved;
        let entry = inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, id);
        inner.publish(change, entry).await?;
        Ok(())
    }

    /// What was sent to a webhook or is to be, newest first, before the message with this id.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn webhook_messages(
        &self,
        workspace_id: WorkspaceId,
        id: WebhookId,
        before: Option<WebhookMessageId>,
        limit: u64,
    ) -> Result<Vec<WebhookMessage>, WebhookError> {
        let store = &self.inner.store;
        store.find_webhook(workspace_id, id).await?.ok_or(WebhookError::NotFound)?;
        Ok(store.list_messages(id, before, limit.min(WEBHOOK_MESSAGES_MAX)).await?)
    }

    /// Sends a message again, whatever became of it before, and from then on as often as a new one.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn resend_webhook_message(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: WebhookId,
        message_id: WebhookMessageId,
    ) -> Result<Timestamp, WebhookError> {
        let inner = &self.inner;
        let now = self.now();
        let mut change = inner.store.change().await?;
        change.find_webhook(workspace_id, id).await?.ok_or(WebhookError::NotFound)?;
        if !change.resend_message(id, message_id, now).await? {
            return Err(WebhookError::MessageNotFound);
        }
        let action = AuditAction::WebhookMessageResent;
        let mut entry = inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        entry.detail = message_id.to_string();
        inner.publish(change, entry).await?;
        inner.wake_webhooks.notify_one();
        Ok(now)
    }
}
