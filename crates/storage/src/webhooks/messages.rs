//! Messages for webhooks: written with the change that they tell of, and kept until they are old.

use domain::{
    ClientRef, MessageState, ProjectId, Timestamp, WebhookEvent, WebhookId, WebhookMessage, WebhookMessageId,
    WorkspaceId,
};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};

use super::entity::message::{Column, Entity, Model};
use super::entity::webhook;
use super::{StoredWebhook, from_row, of_workspace};
use crate::rows::{At, time};
use crate::text_search::holds;
use crate::{ChangeTx, Store, StoreError};

/// Something that a workspace's webhooks are to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What it tells of.
    pub event: WebhookEvent,
    /// The body, as JSON.
    pub body: String,
    /// When it happened.
    pub at: Timestamp,
}

/// A message whose time has come, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    /// The message.
    pub message: WebhookMessage,
    /// The webhook.
    pub to: StoredWebhook,
}

/// Whose messages wait, though their time has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PassedOver {
    /// These webhooks'.
    pub webhooks: Vec<WebhookId>,
    /// Those of all webhooks of these workspaces.
    pub workspaces: Vec<WorkspaceId>,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// When.
    pub at: Timestamp,
    /// How far the message has come by it.
    pub state: MessageState,
    /// When it is tried next.
    pub next_try_at: Option<Timestamp>,
    /// What the webhook answered, if it answered.
    pub status: Option<u16>,
    /// What went wrong, if it did.
    pub problem: Option<String>,
}

/// Writes a message for each webhook of its workspace that wants it. Says how many.
pub(crate) async fn enqueue(
    connection: &impl ConnectionTrait,
    new: &NewMessage,
    mut id: impl FnMut() -> WebhookMessageId,
) -> Result<u64, StoreError> {
    let mut written = 0;
    for to in of_workspace(connection, new.workspace_id).await? {
        if !to.webhook.events.contains(new.event) {
            continue;
        }
        let row = Model {
            id: id().to_string(),
            webhook_id: to.webhook.id.to_string(),
            event: new.event.as_str().to_owned(),
            body: new.body.clone(),
            created_at: new.at.as_micros(),
            state: MessageState::Waiting.as_str().to_owned(),
            attempts: 0,
            next_try_at: Some(new.at.as_micros()),
            tried_at: None,
            status: None,
            problem: None,
        };
        Entity::insert(row.into_active_model()).exec_without_returning(connection).await?;
        written += 1;
    }
    Ok(written)
}

pub(crate) async fn delete_of(connection: &impl ConnectionTrait, id: WebhookId) -> Result<(), StoreError> {
    Entity::delete_many().filter(Column::WebhookId.eq(id.to_string())).exec(connection).await?;
    Ok(())
}

fn message(row: Model) -> Result<WebhookMessage, StoreError> {
    let at = At { table: "webhook_messages", row: &row.id };
    Ok(WebhookMessage {
        id: at.need("id", WebhookMessageId::parse(&row.id))?,
        webhook_id: at.need("webhook_id", WebhookId::parse(&row.webhook_id))?,
        event: at.need("event", WebhookEvent::from_name(&row.event))?,
        state: at.need("state", MessageState::from_name(&row.state))?,
        attempts: at.need("attempts", u32::try_from(row.attempts).ok())?,
        status: row.status.and_then(|status| u16::try_from(status).ok()),
        body: row.body,
        created_at: time(row.created_at),
        next_try_at: row.next_try_at.map(time),
        tried_at: row.tried_at.map(time),
        problem: row.problem,
    })
}

impl ChangeTx {
    /// Writes a message for each webhook of its workspace that wants it, with this change or not at all. Says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue_message(
        &mut self,
        new: &NewMessage,
        id: impl FnMut() -> WebhookMessageId,
    ) -> Result<u64, StoreError> {
        enqueue(&self.tx, new, id).await
    }

    /// Has a message of a webhook tried anew, now. Says whether there is such a message.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resend_message(
        &mut self,
        webhook_id: WebhookId,
        id: WebhookMessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::State, Expr::value(MessageState::Waiting.as_str()))
            .col_expr(Column::Attempts, Expr::value(0_i64))
            .col_expr(Column::NextTryAt, Expr::value(Some(now.as_micros())))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::WebhookId.eq(webhook_id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }
}

/// Messages that are looked through at a time.
const MESSAGES_PER_PAGE_MAX: u64 = 500;

impl ChangeTx {
    /// Takes a client_ref of a project out of the messages for its workspace's webhooks, of those that were sent and of those that
    /// wait: these are delivered without it. Tells how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_in_messages(
        &mut self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<u64, StoreError> {
        let webhooks = of_workspace(&self.tx, workspace_id).await?;
        // As it stands in the body. What else looks like it is told apart by reading the body.
        let written = serde_json::Value::from(client_ref.as_str()).to_string();
        let mut forgotten = 0;
        for to in webhooks {
            let mut last = String::new();
            loop {
                let page = Entity::find()
                    .filter(Column::WebhookId.eq(to.webhook.id.to_string()))
                    .filter(holds(Column::Body, &written))
                    .filter(Column::Id.gt(last.as_str()))
                    .order_by_asc(Column::Id)
                    .limit(MESSAGES_PER_PAGE_MAX)
                    .all(&self.tx)
                    .await?;
                let Some(row) = page.last() else { break };
                last.clone_from(&row.id);
                for row in page {
                    let Some(body) = without_client_ref(&row.body, project_id, client_ref) else { continue };
                    Entity::update_many()
                        .col_expr(Column::Body, Expr::value(body))
                        .filter(Column::Id.eq(row.id))
                        .exec(&self.tx)
                        .await?;
                    forgotten += 1;
                }
            }
        }
        Ok(forgotten)
    }
}

/// A body without the client_ref that it tells of; none where it tells of another one or of none.
fn without_client_ref(body: &str, project_id: ProjectId, client_ref: &ClientRef) -> Option<String> {
    let mut body: serde_json::Value = serde_json::from_str(body).ok()?;
    let data = body.get_mut("data")?;
    if data["project_id"] != project_id.get() || data["client_ref"] != client_ref.as_str() {
        return None;
    }
    data["client_ref"] = serde_json::Value::Null;
    Some(body.to_string())
}

/// Messages whose time has come, those that wait for longest first: their ids and when. An index has all of it, so that passing over
/// many is cheap.
fn due(now: Timestamp, passed_over: &PassedOver) -> Select<Entity> {
    let webhooks = passed_over.webhooks.iter().map(ToString::to_string);
    let workspaces = passed_over.workspaces.iter().map(ToString::to_string);
    let of_workspaces = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::Id)
        .filter(webhook::Column::WorkspaceId.is_in(workspaces))
        .into_query();
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::NextTryAt])
        .filter(Column::NextTryAt.lte(now.as_micros()))
        .filter(Column::WebhookId.is_not_in(webhooks))
        .filter(Column::WebhookId.not_in_subquery(of_workspaces))
        .order_by_asc(Column::NextTryAt)
        .order_by_asc(Column::Id)
}

impl Store {
    /// The messages of a webhook, newest first, before the one with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_messages(
        &self,
        webhook_id: WebhookId,
        before: Option<WebhookMessageId>,
        limit: u64,
    ) -> Result<Vec<WebhookMessage>, StoreError> {
        let mut query = Entity::find().filter(Column::WebhookId.eq(webhook_id.to_string()));
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(before.to_string()));
        }
        let rows = query.order_by_desc(Column::Id).limit(limit).all(self.db.read()).await?;
        rows.into_iter().map(message).collect()
    }

    /// The message whose time came first, of those that aren't passed over. It is put off to `again_at`, so that nobody else tries it
    /// meanwhile, and somebody does after a crash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_due_message(
        &self,
        now: Timestamp,
        again_at: Timestamp,
        passed_over: &PassedOver,
    ) -> Result<Option<DueMessage>, StoreError> {
        let due = due(now, passed_over);
        loop {
            let first = due.clone().into_tuple::<(String, i64)>().one(self.db.read()).await?;
            let Some((id, next_try_at)) = first else { return Ok(None) };
            let tx = self.db.write().await?;
            let put_off = Entity::update_many()
                .col_expr(Column::NextTryAt, Expr::value(Some(again_at.as_micros())))
                .filter(Column::Id.eq(id.as_str()))
                .filter(Column::NextTryAt.eq(next_try_at))
                .exec(&tx)
                .await?;
            if put_off.rows_affected == 0 {
                // Somebody else has taken it, or it is forgotten.
                continue;
            }
            let Some(row) = Entity::find_by_id(id.as_str()).one(&tx).await? else { continue };
            let to = webhook::Entity::find_by_id(row.webhook_id.as_str()).one(&tx).await?;
            if to.is_none() {
                // A restore has left it behind.
                Entity::delete_by_id(id).exec(&tx).await?;
            }
            tx.commit().await?;
            if let Some(to) = to {
                return Ok(Some(DueMessage { message: message(row)?, to: from_row(to)? }));
            }
        }
    }

    /// Notes what a try came to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_try(&self, id: WebhookMessageId, tried: &Tried) -> Result<(), StoreError> {
        use sea_orm::sea_query::ExprTrait as _;
        let tx = self.db.write().await?;
        Entity::update_many()
            .col_expr(Column::State, Expr::value(tried.state.as_str()))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .col_expr(Column::NextTryAt, Expr::value(tried.next_try_at.map(Timestamp::as_micros)))
            .col_expr(Column::TriedAt, Expr::value(Some(tried.at.as_micros())))
            .col_expr(Column::Status, Expr::value(tried.status.map(i64::from)))
            .col_expr(Column::Problem, Expr::value(tried.problem.clone()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets messages that were written before a moment, delivered or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_messages(&self, before: Timestamp) -> Result<u64, StoreError> {
        let tx = self.db.write().await?;
        let deleted =
            Entity::delete_many().filter(Column::CreatedAt.lt(before.as_micros())).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }
}
