//! Usage that the control plane has not counted yet, in numbered batches.

use domain::link::UsageRecord;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{counter, usage_batch};
use crate::{Ledger, LedgerError};

/// A batch that waits to be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageBatch {
    /// Its number; each has a larger one than those before it, also over restarts.
    pub number: u64,
    /// What happened.
    pub records: Vec<UsageRecord>,
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
            Ok(UsageBatch {
                number: u64::try_from(row.number).map_err(|_| impossible("number"))?,
                records: serde_json::from_str(&row.records).map_err(|_| impossible("records"))?,
            })
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

/// Adds a batch; gives its number.
pub(crate) async fn append(tx: &impl ConnectionTrait, records: &[UsageRecord]) -> Result<u64, LedgerError> {
    let impossible = |column| LedgerError::Impossible { table: "usage_batches", column };
    let text = serde_json::to_string(records).map_err(|_| impossible("records"))?;
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
