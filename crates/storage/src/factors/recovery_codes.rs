//! Recovery codes: only their hashes, each good for one use.

use domain::{AccountId, SecretHash, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::entity::recovery_code::{Column, Entity, Model};
use crate::{ChangeTx, StoreError};

impl ChangeTx {
    /// Gives an account these recovery codes instead of those that it had.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replace_recovery_codes(
        &mut self,
        id: AccountId,
        hashes: &[SecretHash],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        Entity::delete_many().filter(Column::AccountId.eq(id.to_string())).exec(&self.tx).await?;
        if hashes.is_empty() {
            return Ok(());
        }
        let rows = hashes.iter().map(|hash| {
            let row = Model {
                account_id: id.to_string(),
                hash: hash.to_hex(),
                created_at: at.as_micros(),
                used_at: None,
            };
            row.into_active_model()
        });
        Entity::insert_many(rows).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// Uses a recovery code up. Says whether the account had it unused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_recovery_code(
        &mut self,
        id: AccountId,
        hash: &SecretHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let used = Entity::update_many()
            .col_expr(Column::UsedAt, Expr::value(at.as_micros()))
            .filter(Column::AccountId.eq(id.to_string()))
            .filter(Column::Hash.eq(hash.to_hex()))
            .filter(Column::UsedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(used.rows_affected == 1)
    }
}
