//! Usage summed up by what it is told apart by.

use std::collections::BTreeMap;

use domain::usage::{Day, Mode, UsageCounts, UsageGroup, UsageKey, UsageQuery};
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Region};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, TableRef};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryResult};

use crate::entities::project;
use crate::entities::usage::{Column, Entity};
use crate::rows::{At, time};
use crate::{Store, StoreError};

const COUNTERS: [Column; 5] =
    [Column::Requests, Column::Sessions, Column::AudioMillis, Column::ReceivedBytes, Column::Refusals];

/// Products that make one mode, at most: so many rows of the database may become one.
const PRODUCTS_OF_A_MODE: u64 = 2;

impl Store {
    /// The usage of a workspace's projects, deleted ones included, in the order of what it is told apart by. Where that is
    /// more than `rows_max`, it is more than `rows_max` of it, and not all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sum_usage(
        &self,
        query: &UsageQuery,
        rows_max: u64,
    ) -> Result<Vec<(UsageKey, UsageCounts)>, StoreError> {
        let mut select = selected(query);
        select.limit(rows_max.saturating_mul(PRODUCTS_OF_A_MODE).saturating_add(1));
        let mut sums: BTreeMap<UsageKey, UsageCounts> = BTreeMap::new();
        for row in self.db.read().query_all(&select).await? {
            let sum = sums.entry(key(&row, query)?).or_default();
            *sum = sum.plus(counts(&row)?);
        }
        Ok(sums.into_iter().collect())
    }
}

/// The column that tells usage apart.
const fn column(group: UsageGroup) -> Column {
    match group {
        UsageGroup::Day => Column::Day,
        UsageGroup::Project => Column::ProjectId,
        UsageGroup::ApiKey => Column::ApiKeyId,
        UsageGroup::ClientRef => Column::ClientRef,
        UsageGroup::Region => Column::Region,
        // Several products make one mode.
        UsageGroup::Mode => Column::Product,
    }
}

fn selected(query: &UsageQuery) -> SelectStatement {
    let mut select = narrowed(Entity.into(), query);
    for counter in COUNTERS {
        // A sum of integers is a decimal number on PostgreSQL.
        let sum = Expr::col(counter).sum().cast_as(Alias::new("BIGINT"));
        select.expr_as(sum, counter);
    }
    select
}

/// The rows of usage, or of a table with the same key, that a question is about, by what it is told apart by.
pub(crate) fn narrowed(table: TableRef, query: &UsageQuery) -> SelectStatement {
    let projects = Query::select()
        .column(project::Column::Id)
        .from(project::Entity)
        .and_where(project::Column::WorkspaceId.eq(query.workspace_id.to_string()))
        .to_owned();
    let is = |column: Column, text: &str| Expr::col(column).eq(text);
    let mut select = Query::select();
    select
        .from(table)
        .and_where(Expr::col(Column::ProjectId).in_subquery(projects))
        .and_where(Expr::col(Column::Day).gte(query.since.start().as_micros()))
        .and_where(Expr::col(Column::Day).lte(query.until.start().as_micros()))
        .and_where_option(query.project_id.map(|id| Expr::col(Column::ProjectId).eq(id.get())))
        .and_where_option(query.api_key_id.map(|id| is(Column::ApiKeyId, &id.to_string())))
        .and_where_option(query.client_ref.as_ref().map(|text| is(Column::ClientRef, text.as_str())))
        .and_where_option(query.region.map(|region| is(Column::Region, region.as_str())));
    for group in query.groups.iter() {
        select.column(column(group)).group_by_col(column(group));
    }
    select
}

pub(crate) fn key(row: &QueryResult, query: &UsageQuery) -> Result<UsageKey, StoreError> {
    let at = At { table: "usage", row: &"a sum" };
    let mut key = UsageKey::default();
    for group in query.groups.iter() {
        match group {
            UsageGroup::Day => key.day = Some(Day::of(time(row.try_get("", "day")?))),
            UsageGroup::Project => key.project_id = Some(ProjectId::new(row.try_get("", "project_id")?)),
            UsageGroup::ApiKey => {
                let id: String = row.try_get("", "api_key_id")?;
                key.api_key_id = Some(at.need("api_key_id", ApiKeyId::parse(&id))?);
            }
            UsageGroup::ClientRef => {
                let text: String = row.try_get("", "client_ref")?;
                let named = Some(text.as_str()).filter(|text| !text.is_empty());
                key.client_ref = Some(at.maybe("client_ref", named, |text| ClientRef::new(text).ok())?);
            }
            UsageGroup::Region => {
                let name: String = row.try_get("", "region")?;
                key.region = Some(at.need("region", Region::from_name(&name))?);
            }
            UsageGroup::Mode => {
                let name: String = row.try_get("", "product")?;
                key.mode = Some(Mode::of(at.need("product", Product::from_name(&name))?));
            }
        }
    }
    Ok(key)
}

fn counts(row: &QueryResult) -> Result<UsageCounts, StoreError> {
    // Where nothing is told apart, the sum of nothing is null.
    let count = |name: &str| -> Result<u64, StoreError> {
        let sum: Option<i64> = row.try_get("", name)?;
        Ok(sum.unwrap_or(0).cast_unsigned())
    };
    Ok(UsageCounts {
        requests: count("requests")?,
        sessions: count("sessions")?,
        audio_millis: count("audio_millis")?,
        received_bytes: count("received_bytes")?,
        refusals: count("refusals")?,
    })
}
