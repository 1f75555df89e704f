//! API keys that expire, each told of once.

use domain::{ApiKeyId, ProjectId, Timestamp, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};

use super::entity::expiry;
use crate::change::SINGLETON;
use crate::entities::api_key;
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// An API key whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Its project.
    pub project_id: ProjectId,
    /// When it expired.
    pub expired_at: Timestamp,
}

/// As many expired keys are told of in one change, and those that expired with the last of them.
const EXPIRED_KEYS_AT_ONCE_MAX: u64 = 1000;

impl Store {
    /// Whether [`ChangeTx::take_expired_keys`] has something to do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_newly_expired_keys(&self, now: Timestamp) -> Result<bool, StoreError> {
        let told = expiry::Entity::find_by_id(SINGLETON).one(self.db.read()).await?;
        let Some(told) = told else { return Ok(true) };
        let expired = api_key::Entity::find()
            .select_only()
            .column(api_key::Column::Id)
            .filter(api_key::Column::ExpiresAt.gt(told.told_until))
            .filter(api_key::Column::ExpiresAt.lte(now.as_micros()))
            .limit(1)
            .into_tuple::<String>();
        Ok(expired.one(self.db.read()).await?.is_some())
    }
}

impl ChangeTx {
    /// API keys that have expired since this was last asked and kept, oldest first, without those that were revoked before. Where they are
    /// many, the others are left to the next time. The first time there are none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_expired_keys(&mut self, now: Timestamp) -> Result<Vec<ExpiredKey>, StoreError> {
        let told = expiry::Entity::find_by_id(SINGLETON).one(&self.tx).await?;
        let Some(told) = told else {
            let first = expiry::Model { singleton: SINGLETON, told_until: now.as_micros() };
            expiry::Entity::insert(first.into_active_model()).exec_without_returning(&self.tx).await?;
            return Ok(Vec::new());
        };
        let expired_by = |until| {
            api_key::Entity::find()
                .filter(api_key::Column::ExpiresAt.gt(told.told_until))
                .filter(api_key::Column::ExpiresAt.lte(until))
                .filter(api_key::Column::RevokedAt.is_null())
                .order_by_asc(api_key::Column::ExpiresAt)
        };
        let last = expired_by(now.as_micros())
            .select_only()
            .column(api_key::Column::ExpiresAt)
            .offset(EXPIRED_KEYS_AT_ONCE_MAX - 1)
            .limit(1)
            .into_tuple::<i64>()
            .one(&self.tx)
            .await?;
        let until = last.unwrap_or(now.as_micros().max(told.told_until));
        let rows = expired_by(until).all(&self.tx).await?;
        expiry::Entity::update_many()
            .col_expr(expiry::Column::ToldUntil, Expr::value(until))
            .filter(expiry::Column::Singleton.eq(SINGLETON))
            .exec(&self.tx)
            .await?;
        let expired = |row: api_key::Model| {
            let at = At { table: "api_keys", row: &row.id };
            Ok(ExpiredKey {
                id: at.need("id", ApiKeyId::parse(&row.id))?,
                workspace_id: at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?,
                project_id: ProjectId::new(row.project_id),
                expired_at: time(row.expires_at.unwrap_or_default()),
            })
        };
        rows.into_iter().map(expired).collect()
    }
}
