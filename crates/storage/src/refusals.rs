//! Refusals by their reasons, counted beside the usage that they belong to.

use std::collections::BTreeMap;

use domain::link::UsageRecord;
use domain::usage::{UsageKey, UsageQuery};
use domain::{ClientRef, ProjectId, Reason};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::entities::usage_refusal::{Column, Entity, Model};
use crate::rows::At;
use crate::usage::malformed;
use crate::usage_sum::{key, narrowed};
use crate::{Store, StoreError};

/// How often something was refused, by the reason.
pub type Refusals = BTreeMap<Reason, u64>;

const KEY: [Column; 7] = [
    Column::Day,
    Column::ProjectId,
    Column::ApiKeyId,
    Column::ClientRef,
    Column::Region,
    Column::Product,
    Column::Reason,
];

impl Store {
    /// The refusals that belong to [`Store::sum_usage`] of the same question, by what that is told apart by and by their reasons.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sum_refusals(&self, query: &UsageQuery) -> Result<BTreeMap<UsageKey, Refusals>, StoreError> {
        let mut select = narrowed(Entity.into(), query);
        let sum = Expr::col(Column::Refusals).sum().cast_as("BIGINT");
        select.column(Column::Reason).group_by_col(Column::Reason).expr_as(sum, Column::Refusals);
        let mut sums: BTreeMap<UsageKey, Refusals> = BTreeMap::new();
        for row in self.db.read().query_all(&select).await? {
            let name: String = row.try_get("", "reason")?;
            let at = At { table: "usage_refusals", row: &"a sum" };
            let reason = at.need("reason", Reason::from_name(&name))?;
            let sum: Option<i64> = row.try_get("", "refusals")?;
            *sums.entry(key(&row, query)?).or_default().entry(reason).or_default() +=
                sum.unwrap_or(0).cast_unsigned();
        }
        Ok(sums)
    }
}

/// Adds what a record says of refusals.
pub(crate) async fn add(connection: &impl ConnectionTrait, record: &UsageRecord) -> Result<(), StoreError> {
    for (reason, count) in &record.refused {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        let client_ref = record.client_ref.as_ref().map_or("", ClientRef::as_str);
        let mut conflict = OnConflict::columns(KEY);
        conflict.value(Column::Refusals, Expr::col((Entity, Column::Refusals)).add(count));
        let insert = Query::insert()
            .into_table(Entity)
            .columns(KEY.into_iter().chain([Column::Refusals]))
            .values([
                record.day.as_micros().into(),
                record.project_id.get().into(),
                record.api_key_id.to_string().into(),
                client_ref.into(),
                record.region.as_str().into(),
                record.product.as_str().into(),
                reason.as_str().into(),
                count.into(),
            ])
            .map_err(malformed)?
            .on_conflict(conflict)
            .to_owned();
        connection.execute(&insert).await?;
    }
    Ok(())
}

/// Takes the refusals of a client_ref out, for whoever counts them otherwise.
pub(crate) async fn take(
    connection: &impl ConnectionTrait,
    project_id: ProjectId,
    client_ref: &ClientRef,
) -> Result<Vec<Model>, StoreError> {
    Ok(Entity::delete_many()
        .filter(Column::ProjectId.eq(project_id.get()))
        .filter(Column::ClientRef.eq(client_ref.as_str()))
        .exec_with_returning(connection)
        .await?)
}
