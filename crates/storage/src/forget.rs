//! Forgetting an end user: what was counted under their client_ref is told of nobody in particular any more.

use domain::link::UsageRecord;
use domain::{ClientRef, ProjectId, Reason, WorkspaceId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entities::{api_key, project, usage, usage_refusal};
use crate::rows::At;
use crate::usage::{add, from_row};
use crate::{ChangeTx, StoreError, refusals};

impl ChangeTx {
    /// The projects of a workspace, deleted ones among them: theirs is forgotten, too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_project_ids(&self, workspace_id: WorkspaceId) -> Result<Vec<ProjectId>, StoreError> {
        let ids: Vec<i64> = project::Entity::find()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::WorkspaceId.eq(workspace_id.to_string()))
            .order_by_asc(project::Column::Id)
            .into_tuple()
            .all(&self.tx)
            .await?;
        Ok(ids.into_iter().map(ProjectId::new).collect())
    }

    /// Counts what a client_ref used in a project for nobody in particular. The sums of the project, of its keys and days
    /// stay as they are. Tells how many lines of usage there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_usage(
        &mut self,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<u64, StoreError> {
        // Taken and deleted at once: what is counted meanwhile is a line of its own.
        let taken = usage::Entity::delete_many()
            .filter(usage::Column::ProjectId.eq(project_id.get()))
            .filter(usage::Column::ClientRef.eq(client_ref.as_str()))
            .exec_with_returning(&self.tx)
            .await?;
        let lines = taken.len() as u64;
        for row in taken {
            let mut record = from_row(row)?;
            record.client_ref = None;
            add(&self.tx, &record).await?;
        }
        for row in refusals::take(&self.tx, project_id, client_ref).await? {
            add(&self.tx, &refused(row)?).await?;
        }
        Ok(lines)
    }

    /// How many API keys of a project are isolated to a client_ref and not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_isolated_keys(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<u64, StoreError> {
        use sea_orm::PaginatorTrait as _;
        let keys = api_key::Entity::find()
            .filter(api_key::Column::ProjectId.eq(project_id.get()))
            .filter(api_key::Column::ClientRef.eq(client_ref.as_str()))
            .filter(api_key::Column::RevokedAt.is_null());
        Ok(keys.count(&self.tx).await?)
    }
}

/// A line of refusals as the usage of nobody in particular, and nothing else.
fn refused(row: usage_refusal::Model) -> Result<UsageRecord, StoreError> {
    let at = At { table: "usage_refusals", row: &row.api_key_id };
    let reason = at.need("reason", Reason::from_name(&row.reason))?;
    let count = row.refusals;
    let record = from_row(usage::Model {
        day: row.day,
        project_id: row.project_id,
        api_key_id: row.api_key_id,
        client_ref: String::new(),
        region: row.region,
        product: row.product,
        requests: 0,
        sessions: 0,
        audio_millis: 0,
        received_bytes: 0,
        refusals: 0,
    })?;
    Ok(UsageRecord { refused: [(reason, count.cast_unsigned())].into_iter().collect(), ..record })
}
