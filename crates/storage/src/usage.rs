//! Usage as gateways report it, each batch counted exactly once.

use std::collections::BTreeMap;

use domain::link::UsageRecord;
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Region, Timestamp, WebhookMessageId, WorkspaceId};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use crate::entities::usage::{Column, Entity, Model};
use crate::entities::{project, usage_batch};
use crate::rows::{At, time};
use crate::{NewMessage, Store, StoreError, refusals, webhooks};

/// One line of stored usage; the reasons of its refusals are summed up by [`Store::sum_refusals`].
pub type StoredUsage = UsageRecord;

const COUNTERS: [Column; 5] =
    [Column::Requests, Column::Sessions, Column::AudioMillis, Column::ReceivedBytes, Column::Refusals];

/// A batch's place in the journal that numbered it.
#[derive(Clone, Copy, Debug)]
pub struct BatchPlace<'a> {
    /// The name of the journal.
    pub journal: &'a str,
    /// The batch's number within it.
    pub number: u64,
    /// Whether it is the oldest that the journal still holds: all before it were counted.
    pub is_oldest: bool,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// It is counted.
    Counted,
    /// It was counted before.
    CountedBefore,
    /// One before it is missing, so that it was not counted: it is to come again, behind that one.
    Early,
}

impl Store {
    /// Counts a journal's next batch, unless it was counted before.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is counted.
    pub async fn record_usage(
        &self,
        place: BatchPlace<'_>,
        records: &[UsageRecord],
        now: Timestamp,
    ) -> Result<BatchOutcome, StoreError> {
        let tx = self.db.write().await?;
        let outcome = claim_batch(&tx, place, now).await?;
        if outcome != BatchOutcome::Counted {
            return Ok(outcome);
        }
        for record in records {
            add(&tx, record).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    /// Writes messages for webhooks that a journal's next batch gives rise to, unless it was taken before.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is kept.
    pub async fn record_messages(
        &self,
        place: BatchPlace<'_>,
        messages: &[NewMessage],
        mut id: impl FnMut() -> WebhookMessageId,
        now: Timestamp,
    ) -> Result<BatchOutcome, StoreError> {
        let tx = self.db.write().await?;
        let outcome = claim_batch(&tx, place, now).await?;
        if outcome != BatchOutcome::Counted {
            return Ok(outcome);
        }
        for message in messages {
            webhooks::enqueue(&tx, message, &mut id).await?;
        }
        tx.commit().await?;
        Ok(outcome)
    }

    /// The usage of a workspace's projects, deleted ones included, by day; `until` is left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_usage(
        &self,
        workspace_id: WorkspaceId,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<StoredUsage>, StoreError> {
        let projects = Query::select()
            .column(project::Column::Id)
            .from(project::Entity)
            .and_where(project::Column::WorkspaceId.eq(workspace_id.to_string()))
            .to_owned();
        let rows = Entity::find()
            .filter(Column::ProjectId.in_subquery(projects))
            .filter(Column::Day.gte(since.as_micros()))
            .filter(Column::Day.lt(until.as_micros()))
            .order_by_asc(Column::Day)
            .order_by_asc(Column::ProjectId)
            .order_by_asc(Column::ApiKeyId)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(from_row).collect()
    }
}

/// Takes a batch's number, which becomes its journal's last one: of each journal there is one row, whatever it has counted.
async fn claim_batch(
    connection: &impl ConnectionTrait,
    place: BatchPlace<'_>,
    now: Timestamp,
) -> Result<BatchOutcome, StoreError> {
    use usage_batch::Column::{Gateway, Number, ReceivedAt};
    let number = place.number.cast_signed();
    let last = Expr::col((usage_batch::Entity, Number));
    let comes_next = if place.is_oldest { last.lt(number) } else { last.eq(number.saturating_sub(1)) };
    let mut raise = OnConflict::column(Gateway);
    raise.update_columns([Number, ReceivedAt]).action_and_where(comes_next);
    let insert = Query::insert()
        .into_table(usage_batch::Entity)
        .columns([Gateway, Number, ReceivedAt])
        .values([place.journal.into(), number.into(), now.as_micros().into()])
        .map_err(malformed)?
        .on_conflict(raise)
        .to_owned();
    if connection.execute(&insert).await?.rows_affected() == 1 {
        return Ok(BatchOutcome::Counted);
    }
    let counted_before = usage_batch::Entity::find()
        .filter(Gateway.eq(place.journal))
        .filter(Number.gte(number))
        .one(connection)
        .await?;
    Ok(if counted_before.is_some() { BatchOutcome::CountedBefore } else { BatchOutcome::Early })
}

pub(crate) async fn add(connection: &impl ConnectionTrait, record: &UsageRecord) -> Result<(), StoreError> {
    let key = [
        Column::Day,
        Column::ProjectId,
        Column::ApiKeyId,
        Column::ClientRef,
        Column::Region,
        Column::Product,
    ];
    let counts =
        [record.requests, record.sessions, record.audio_millis, record.received_bytes, record.refusals]
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let mut conflict = OnConflict::columns(key);
    for (column, count) in COUNTERS.into_iter().zip(counts) {
        conflict.value(column, Expr::col((Entity, column)).add(count));
    }
    let client_ref = record.client_ref.as_ref().map_or("", ClientRef::as_str);
    let insert = Query::insert()
        .into_table(Entity)
        .columns(key.into_iter().chain(COUNTERS))
        .values([
            record.day.as_micros().into(),
            record.project_id.get().into(),
            record.api_key_id.to_string().into(),
            client_ref.into(),
            record.region.as_str().into(),
            record.product.as_str().into(),
            counts[0].into(),
            counts[1].into(),
            counts[2].into(),
            counts[3].into(),
            counts[4].into(),
        ])
        .map_err(malformed)?
        .on_conflict(conflict)
        .to_owned();
    connection.execute(&insert).await?;
    refusals::add(connection, record).await
}

/// A statement of ours that doesn't hold together.
pub(crate) fn malformed(error: sea_orm::sea_query::error::Error) -> StoreError {
    DbErr::Custom(error.to_string()).into()
}

pub(crate) fn from_row(row: Model) -> Result<StoredUsage, StoreError> {
    let at = At { table: "usage", row: &row.api_key_id };
    let client_ref = Some(row.client_ref.as_str()).filter(|text| !text.is_empty());
    Ok(UsageRecord {
        project_id: ProjectId::new(row.project_id),
        api_key_id: at.need("api_key_id", ApiKeyId::parse(&row.api_key_id))?,
        client_ref: at.maybe("client_ref", client_ref, |text| ClientRef::new(text).ok())?,
        region: at.need("region", Region::from_name(&row.region))?,
        product: at.need("product", Product::from_name(&row.product))?,
        day: time(row.day),
        requests: row.requests.cast_unsigned(),
        sessions: row.sessions.cast_unsigned(),
        audio_millis: row.audio_millis.cast_unsigned(),
        received_bytes: row.received_bytes.cast_unsigned(),
        refusals: row.refusals.cast_unsigned(),
        refused: BTreeMap::new(),
    })
}
