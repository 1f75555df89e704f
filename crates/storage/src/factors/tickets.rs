//! Which tickets of a sign-in were used: a ticket itself is with the browser, sealed.

use domain::{SecretHash, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::entity::used_ticket::{Column, Entity, Model};
use crate::{Store, StoreError};

impl Store {
    /// Uses a ticket up. Says whether nobody has used it before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_ticket(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<bool, StoreError> {
        let tx = self.db.write().await?;
        let row = Model { hash: hash.to_hex(), expires_at: expires_at.as_micros() };
        let mut once = OnConflict::column(Column::Hash);
        once.do_nothing();
        let inserted = Entity::insert(row.into_active_model())
            .on_conflict(once)
            .try_insert()
            .exec_without_returning(&tx)
            .await?;
        tx.commit().await?;
        Ok(matches!(inserted, sea_orm::TryInsertResult::Inserted(1)))
    }

    /// Forgets the tickets that would have expired. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired_tickets(&self, now: Timestamp) -> Result<u64, StoreError> {
        let tx = self.db.write().await?;
        let expired = Column::ExpiresAt.lte(now.as_micros());
        let deleted = Entity::delete_many().filter(expired).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }
}
