//! What the owner of an account changes about it, and accounts that nobody ever confirmed.

use domain::{AccountId, Timestamp, WorkspaceId};
use sea_orm::sea_query::{Expr, Query, SimpleExpr};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::accounts::email_key;
use crate::entities::account::{Column, Entity};
use crate::entities::membership;
use crate::{ChangeTx, Store, StoreError};

impl Store {
    /// Whether there is any account at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        let any: Option<String> =
            Entity::find().select_only().column(Column::Id).into_tuple().one(self.db.read()).await?;
        Ok(any.is_some())
    }

    /// Forgets accounts that were made before a moment, whose address nobody has confirmed, and which belong to no
    /// workspace. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_unconfirmed_accounts(&self, before: Timestamp) -> Result<u64, StoreError> {
        let members =
            Query::select().column(membership::Column::AccountId).from(membership::Entity).to_owned();
        let tx = self.db.write().await?;
        let deleted = Entity::delete_many()
            .filter(Column::EmailVerifiedAt.is_null())
            .filter(Column::CreatedAt.lt(before.as_micros()))
            .filter(Column::Id.not_in_subquery(members))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }
}

impl ChangeTx {
    /// How many members a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_members(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        let members =
            membership::Entity::find().filter(membership::Column::WorkspaceId.eq(workspace_id.to_string()));
        Ok(members.count(&self.tx).await?)
    }

    /// Whether there is any account at all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_accounts(&self) -> Result<bool, StoreError> {
        let any: Option<String> =
            Entity::find().select_only().column(Column::Id).into_tuple().one(&self.tx).await?;
        Ok(any.is_some())
    }

    /// Gives an account another address, which was found to be its own. Says whether there is such an account.
    ///
    /// # Errors
    /// A unique violation when the address is taken.
    pub async fn set_email(
        &mut self,
        id: AccountId,
        email: &str,
        verified_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let columns = [
            (Column::Email, Expr::value(email)),
            (Column::EmailKey, Expr::value(email_key(email))),
            (Column::EmailVerifiedAt, Expr::value(verified_at.as_micros())),
        ];
        self.set_in_account(id, columns).await
    }

    /// Remembers that an account's address was found to be its own. Says whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_email_verified(
        &mut self,
        id: AccountId,
        verified_at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.set_in_account(id, [(Column::EmailVerifiedAt, Expr::value(verified_at.as_micros()))]).await
    }

    /// Has an account read times in another zone. Says whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_time_zone(&mut self, id: AccountId, time_zone: &str) -> Result<bool, StoreError> {
        self.set_in_account(id, [(Column::TimeZone, Expr::value(time_zone))]).await
    }

    async fn set_in_account(
        &mut self,
        id: AccountId,
        columns: impl IntoIterator<Item = (Column, SimpleExpr)>,
    ) -> Result<bool, StoreError> {
        let mut update = Entity::update_many().filter(Column::Id.eq(id.to_string()));
        for (column, value) in columns {
            update = update.col_expr(column, value);
        }
        Ok(update.exec(&self.tx).await?.rows_affected == 1)
    }
}
