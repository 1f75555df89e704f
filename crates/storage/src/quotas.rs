//! Quotas on audio, and what is used of them.

use std::collections::HashMap;

use domain::link::Change;
use domain::{ApiKeyId, Month, ProjectId, QuotaScope, Timestamp, WorkspaceId};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};

use crate::entities::quota::{Column, Entity, Model};
use crate::entities::{project, usage};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// A quota on the audio of something of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The project.
    pub project_id: ProjectId,
    /// What of it.
    pub scope: QuotaScope,
    /// Audio in a UTC month, in seconds.
    pub audio_seconds_per_month_max: u32,
    /// When it was set.
    pub set_at: Timestamp,
}

/// The audio of one month, in milliseconds, by what quotas are set for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonthAudio {
    /// Of the whole workspace, deleted projects among it.
    pub workspace_millis: u64,
    projects: HashMap<i64, u64>,
    api_keys: HashMap<String, u64>,
    client_refs: HashMap<(i64, String), u64>,
}

impl MonthAudio {
    /// Of what a quota is set for; `None` where it is set for each of many.
    pub fn of(&self, quota: &Quota) -> Option<u64> {
        let project = quota.project_id.get();
        let found = match &quota.scope {
            QuotaScope::Project => self.projects.get(&project),
            QuotaScope::ApiKey(id) => self.api_keys.get(&id.to_string()),
            QuotaScope::ClientRef(name) => self.client_refs.get(&(project, name.as_str().to_owned())),
            QuotaScope::EachClientRef => return None,
        };
        Some(found.copied().unwrap_or(0))
    }
}

pub(crate) fn from_row(row: &Model) -> Result<Quota, StoreError> {
    let at = At { table: "quotas", row: &row.project_id };
    Ok(Quota {
        project_id: ProjectId::new(row.project_id),
        scope: at.need("kind", QuotaScope::from_parts(&row.kind, &row.name))?,
        audio_seconds_per_month_max: at
            .need("audio_seconds_per_month_max", u32::try_from(row.audio_seconds_per_month_max).ok())?,
        set_at: time(row.set_at),
    })
}

impl Store {
    /// The quotas of a workspace's projects, by project, kind and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_quotas(&self, workspace_id: WorkspaceId) -> Result<Vec<Quota>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ProjectId.in_subquery(living_projects(workspace_id)))
            .order_by_asc(Column::ProjectId)
            .order_by_asc(Column::Kind)
            .order_by_asc(Column::Name)
            .all(self.db.read())
            .await?;
        rows.iter().map(from_row).collect()
    }

    /// What a workspace has used in a month, as far as gateways have told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn month_audio(
        &self,
        workspace_id: WorkspaceId,
        month: Month,
        quotas: &[Quota],
    ) -> Result<MonthAudio, StoreError> {
        let mut audio = MonthAudio::default();
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        for quota in quotas {
            match &quota.scope {
                QuotaScope::ApiKey(id) => keys.push(id.to_string()),
                QuotaScope::ClientRef(name) => names.push(name.as_str().to_owned()),
                QuotaScope::Project | QuotaScope::EachClientRef => {}
            }
        }
        let by_project = sums(workspace_id, month, &[usage::Column::ProjectId]);
        for row in self.db.read().query_all(&by_project).await? {
            let millis = sum_of(row.try_get_by_index(1)?);
            audio.workspace_millis += millis;
            audio.projects.insert(row.try_get_by_index(0)?, millis);
        }
        if !keys.is_empty() {
            let mut by_key = sums(workspace_id, month, &[usage::Column::ApiKeyId]);
            by_key.and_where(usage::Column::ApiKeyId.is_in(keys));
            for row in self.db.read().query_all(&by_key).await? {
                audio.api_keys.insert(row.try_get_by_index(0)?, sum_of(row.try_get_by_index(1)?));
            }
        }
        if !names.is_empty() {
            let columns = [usage::Column::ProjectId, usage::Column::ClientRef];
            let mut by_name = sums(workspace_id, month, &columns);
            by_name.and_where(usage::Column::ClientRef.is_in(names));
            for row in self.db.read().query_all(&by_name).await? {
                let key = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                audio.client_refs.insert(key, sum_of(row.try_get_by_index(2)?));
            }
        }
        Ok(audio)
    }
}

impl ChangeTx {
    /// How many quotas a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_quotas(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        let quotas = Entity::find().filter(Column::ProjectId.in_subquery(living_projects(workspace_id)));
        Ok(quotas.count(&self.tx).await?)
    }

    /// Sets a quota in place of the one that there is. The caller has found the project among its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_quota(&mut self, quota: &Quota) -> Result<(), StoreError> {
        let (kind, name) = quota.scope.parts();
        let key = (quota.project_id.get(), kind.to_owned(), name.clone());
        Entity::delete_by_id(key).exec(&self.tx).await?;
        let row = Model {
            project_id: quota.project_id.get(),
            kind: kind.to_owned(),
            name,
            audio_seconds_per_month_max: quota.audio_seconds_per_month_max.into(),
            set_at: quota.set_at.as_micros(),
            revision: self.revision_column(),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(change(quota.project_id, &quota.scope, Some(quota.audio_seconds_per_month_max)));
        Ok(())
    }

    /// Takes a quota away. Says whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_quota(
        &mut self,
        project_id: ProjectId,
        scope: &QuotaScope,
    ) -> Result<bool, StoreError> {
        let (kind, name) = scope.parts();
        let key = (project_id.get(), kind.to_owned(), name);
        let removed = Entity::delete_by_id(key).exec(&self.tx).await?.rows_affected == 1;
        if removed {
            self.note(change(project_id, scope, None));
        }
        Ok(removed)
    }

    /// Whether an API key is of this project, and not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_api_key(&self, project_id: ProjectId, id: ApiKeyId) -> Result<bool, StoreError> {
        use crate::entities::api_key;
        let found = api_key::Entity::find_by_id(id.to_string())
            .filter(api_key::Column::ProjectId.eq(project_id.get()))
            .filter(api_key::Column::RevokedAt.is_null());
        Ok(found.count(&self.tx).await? == 1)
    }
}

pub(crate) fn change(project_id: ProjectId, scope: &QuotaScope, max: Option<u32>) -> Change {
    Change::Quota { project_id, scope: scope.clone(), audio_seconds_per_month_max: max }
}

fn projects(workspace_id: WorkspaceId) -> SelectStatement {
    Query::select()
        .column(project::Column::Id)
        .from(project::Entity)
        .and_where(project::Column::WorkspaceId.eq(workspace_id.to_string()))
        .to_owned()
}

fn living_projects(workspace_id: WorkspaceId) -> SelectStatement {
    projects(workspace_id).and_where(project::Column::DeletedAt.is_null()).to_owned()
}

/// The audio of a month, by these columns, and then the sum.
fn sums(workspace_id: WorkspaceId, month: Month, columns: &[usage::Column]) -> SelectStatement {
    let mut select = Query::select();
    select
        .from(usage::Entity)
        .and_where(usage::Column::ProjectId.in_subquery(projects(workspace_id)))
        .and_where(usage::Column::Day.gte(month.start().as_micros()))
        .and_where(usage::Column::Day.lt(month.next().start().as_micros()));
    for column in columns {
        select.column(*column).group_by_col(*column);
    }
    // A sum of integers is a decimal number on PostgreSQL.
    let sum = Expr::col(usage::Column::AudioMillis).sum().cast_as(Alias::new("BIGINT"));
    select.expr_as(sum, Alias::new("audio_millis"));
    select
}

fn sum_of(sum: Option<i64>) -> u64 {
    u64::try_from(sum.unwrap_or(0)).unwrap_or(0)
}
