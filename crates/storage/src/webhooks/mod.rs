//! Webhooks: who is told of what, and under which secrets.

pub(crate) mod entity;
mod expiries;
mod messages;

use domain::{Timestamp, Webhook, WebhookEvent, WebhookEvents, WebhookId, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};

use self::entity::webhook::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

pub use expiries::ExpiredKey;
pub(crate) use messages::enqueue;
pub use messages::{DueMessage, NewMessage, PassedOver, Tried};

/// A webhook with its secrets, sealed under the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret that messages are signed with.
    pub sealed_secret: Vec<u8>,
    /// The one before, while its overlap lasts.
    pub sealed_former_secret: Option<Vec<u8>>,
}

pub(crate) fn from_row(row: Model) -> Result<StoredWebhook, StoreError> {
    let at = At { table: "webhooks", row: &row.id };
    let events: Option<WebhookEvents> =
        row.events.split(' ').filter(|name| !name.is_empty()).map(WebhookEvent::from_name).collect();
    let webhook = Webhook {
        id: at.need("id", WebhookId::parse(&row.id))?,
        workspace_id: at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?,
        url: row.url.clone(),
        events: at.need("events", events)?,
        created_at: time(row.created_at),
        former_secret_until: row.former_until.map(time),
    };
    Ok(StoredWebhook {
        webhook,
        sealed_secret: row.sealed_secret,
        sealed_former_secret: row.sealed_former_secret,
    })
}

fn events_column(events: WebhookEvents) -> String {
    events.iter().map(WebhookEvent::as_str).collect::<Vec<_>>().join(" ")
}

/// The webhooks of a workspace, oldest first.
pub(crate) async fn of_workspace(
    connection: &impl ConnectionTrait,
    workspace_id: WorkspaceId,
) -> Result<Vec<StoredWebhook>, StoreError> {
    let rows = Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(connection)
        .await?;
    rows.into_iter().map(from_row).collect()
}

async fn find(
    connection: &impl ConnectionTrait,
    workspace_id: WorkspaceId,
    id: WebhookId,
) -> Result<Option<StoredWebhook>, StoreError> {
    let found = Entity::find_by_id(id.to_string()).filter(Column::WorkspaceId.eq(workspace_id.to_string()));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The webhooks of a workspace, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_webhooks(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, StoreError> {
        let stored = of_workspace(self.db.read(), workspace_id).await?;
        Ok(stored.into_iter().map(|stored| stored.webhook).collect())
    }

    /// A webhook of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_webhook(
        &self,
        workspace_id: WorkspaceId,
        id: WebhookId,
    ) -> Result<Option<StoredWebhook>, StoreError> {
        find(self.db.read(), workspace_id, id).await
    }
}

impl ChangeTx {
    /// A webhook of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_webhook(
        &self,
        workspace_id: WorkspaceId,
        id: WebhookId,
    ) -> Result<Option<StoredWebhook>, StoreError> {
        find(&self.tx, workspace_id, id).await
    }

    /// How many webhooks a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_webhooks(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        let webhooks = Entity::find().filter(Column::WorkspaceId.eq(workspace_id.to_string()));
        Ok(webhooks.count(&self.tx).await?)
    }

    /// All webhooks, to be sealed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_all_webhooks(&self) -> Result<Vec<StoredWebhook>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::Id).all(&self.tx).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Keeps a new webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_webhook(&mut self, new: &StoredWebhook) -> Result<(), StoreError> {
        let row = Model {
            id: new.webhook.id.to_string(),
            workspace_id: new.webhook.workspace_id.to_string(),
            url: new.webhook.url.clone(),
            events: events_column(new.webhook.events),
            sealed_secret: new.sealed_secret.clone(),
            sealed_former_secret: new.sealed_former_secret.clone(),
            former_until: new.webhook.former_secret_until.map(Timestamp::as_micros),
            created_at: new.webhook.created_at.as_micros(),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// Gives a webhook other secrets. Says whether there is such a webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_webhook_secrets(&mut self, webhook: &StoredWebhook) -> Result<bool, StoreError> {
        let until = webhook.webhook.former_secret_until.map(Timestamp::as_micros);
        let updated = Entity::update_many()
            .col_expr(Column::SealedSecret, Expr::value(webhook.sealed_secret.clone()))
            .col_expr(Column::SealedFormerSecret, Expr::value(webhook.sealed_former_secret.clone()))
            .col_expr(Column::FormerUntil, Expr::value(until))
            .filter(Column::Id.eq(webhook.webhook.id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Forgets a webhook and its messages. Says whether there was such a webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_webhook(
        &mut self,
        workspace_id: WorkspaceId,
        id: WebhookId,
    ) -> Result<bool, StoreError> {
        let deleted = Entity::delete_many()
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .exec(&self.tx)
            .await?;
        if deleted.rows_affected == 1 {
            messages::delete_of(&self.tx, id).await?;
        }
        Ok(deleted.rows_affected == 1)
    }
}
