//! Usage that the control plane has not counted yet, in numbered batches.

use domain::link::{SessionEvent, UsageRecord};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use serde::{Deserialize, Serialize};

use crate::entity::{counter, usage_batch};
use crate::{Ledger, LedgerError};

/// A batch that waits to be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageBatch {
    /// Its number; each has a larger one than those before it, also over restarts.
    pub number: u64,
    /// What was used.
    pub records: Vec<UsageRecord>,
    /// Sessions that began or ended.
    pub sessions: Vec<SessionEvent>,
}

/// The form of a batch that tells of sessions; one of usage is a bare list.
#[derive(Serialize, Deserialize)]
struct Sessions<S> {
    sessions: S,
}

/// The counter that numbers batches.
pub(crate) const NUMBERS: &str = "usage_batches";

impl Ledger {
    /// Keeps usage until it is counted; gives its number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_usage(&self, records: &[UsageRecord]) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let number = append(&tx, records).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Keeps sessions that began or ended until control has them; gives their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_sessions(&self, sessions: &[SessionEvent]) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let number = append_json(&tx, &Sessions { sessions }).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// The batches that wait to be counted, oldest first, that have larger numbers than this one; at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn uncounted_usage(&self, after: u64, limit: u64) -> Result<Vec<UsageBatch>, LedgerError> {
        let impossible = |column| LedgerError::Impossible { table: "usage_batches", column };
        let rows = usage_batch::Entity::find()
            .filter(usage_batch::Column::Number.gt(i64::try_from(after).unwrap_or(i64::MAX)))
            .order_by_asc(usage_batch::Column::Number)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let batch = |row: usage_batch::Model| {
            let number = u64::try_from(row.number).map_err(|_| impossible("number"))?;
            if row.records.starts_with('{') {
                let told: Sessions<Vec<SessionEvent>> =
                    serde_json::from_str(&row.records).map_err(|_| impossible("records"))?;
                return Ok(UsageBatch { number, records: Vec::new(), sessions: told.sessions });
            }
            let records = serde_json::from_str(&row.records).map_err(|_| impossible("records"))?;
            Ok(UsageBatch { number, records, sessions: Vec::new() })
        };
        rows.into_iter().map(batch).collect()
    }

    /// Forgets the batches up to a number: they are counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn usage_counted(&self, number: u64) -> Result<(), LedgerError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let tx = self.db.write().await?;
        usage_batch::Entity::delete_many().filter(usage_batch::Column::Number.lte(number)).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Adds a batch of usage; gives its number.
pub(crate) async fn append(tx: &impl ConnectionTrait, records: &[UsageRecord]) -> Result<u64, LedgerError> {
    append_json(tx, records).await
}

async fn append_json<T: Serialize + Sync + ?Sized>(
    tx: &impl ConnectionTrait,
    batch: &T,
) -> Result<u64, LedgerError> {
    let impossible = |column| LedgerError::Impossible { table: "usage_batches", column };
    let text = serde_json::to_string(batch).map_err(|_| impossible("records"))?;
    let last = counter::Entity::find_by_id(NUMBERS).one(tx).await?.map_or(0, |row| row.value);
    let number = last + 1;
    let count = counter::ActiveModel { name: Set(NUMBERS.to_owned()), value: Set(number) };
    let again = OnConflict::column(counter::Column::Name).update_column(counter::Column::Value).to_owned();
    counter::Entity::insert(count).on_conflict(again).exec(tx).await?;
    usage_batch::Entity::insert(usage_batch::ActiveModel { number: Set(number), records: Set(text) })
        .exec(tx)
        .await?;
    u64::try_from(number).map_err(|_| impossible("number"))
}
