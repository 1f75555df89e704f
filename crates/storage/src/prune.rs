//! Forgetting what nobody relies on any more, some thousand rows at a time.

use domain::Timestamp;
use sea_orm::sea_query::{Order, Query};
use sea_orm::{ConnectionTrait, Iden};

use crate::entities::{api_key, change};
use crate::{Store, StoreError};

/// Rows that one call deletes at most: writers wait meanwhile.
const ROWS_MAX: u64 = 5_000;

impl Store {
    /// Forgets feed entries from before a moment, the newest one excepted. Whoever follows the feed from further back begins
    /// anew with a snapshot. Tells how many entries are gone; more may be left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_feed(&self, before: Timestamp) -> Result<u64, StoreError> {
        let newest = self.revision().await?;
        let mut old = Query::select();
        old.column(change::Column::Revision)
            .from(change::Entity)
            .and_where(sea_orm::ColumnTrait::lt(&change::Column::At, before.as_micros()))
            .and_where(sea_orm::ColumnTrait::lt(
                &change::Column::Revision,
                crate::rows::revision_column(newest),
            ))
            .order_by(change::Column::Revision, Order::Asc)
            .limit(ROWS_MAX);
        self.delete_in(change::Entity, change::Column::Revision, old).await
    }

    /// Forgets API keys that were revoked before a moment: to whoever still presents one it is unknown, no longer revoked.
    /// Tells how many are gone; more may be left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_revoked_api_keys(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut old = Query::select();
        old.column(api_key::Column::Id)
            .from(api_key::Entity)
            .and_where(sea_orm::ColumnTrait::lt(&api_key::Column::RevokedAt, before.as_micros()))
            .limit(ROWS_MAX);
        self.delete_in(api_key::Entity, api_key::Column::Id, old).await
    }

    async fn delete_in(
        &self,
        table: impl sea_orm::sea_query::IntoTableRef,
        key: impl sea_orm::ColumnTrait + Iden,
        old: sea_orm::sea_query::SelectStatement,
    ) -> Result<u64, StoreError> {
        let mut delete = Query::delete();
        delete.from_table(table).and_where(key.in_subquery(old));
        let tx = self.db.write().await?;
        let deleted = tx.execute(&delete).await?.rows_affected();
        drop(tx.commit().await?);
        Ok(deleted)
    }
}
