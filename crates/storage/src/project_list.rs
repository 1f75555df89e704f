//! Projects as people look for them, with the number of their API keys.

use std::collections::HashMap;

use domain::{Project, ProjectId, Timestamp, WorkspaceId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::api_keys::owned;
use crate::entities::api_key::Column as KeyColumn;
use crate::entities::project::{Column, Entity};
use crate::projects::{alive, from_row};
use crate::text_search::holds;
use crate::{ChangeTx, Store, StoreError};

impl Store {
    /// At most `limit` projects of a workspace with this text in their name or description, whose numbers come after
    /// `after`; oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search_projects(
        &self,
        workspace_id: WorkspaceId,
        text: Option<&str>,
        after: Option<ProjectId>,
        limit: u64,
    ) -> Result<Vec<Project>, StoreError> {
        let mentions = text.map(|text| {
            Condition::any().add(holds(Column::Name, text)).add(holds(Column::Description, text))
        });
        let beyond = after.map(|after| Column::Id.gt(after.get()));
        let rows = alive(workspace_id)
            .filter(Condition::all().add_option(mentions).add_option(beyond))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// How many projects a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_projects(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        Ok(alive(workspace_id).count(self.db.read()).await?)
    }

    /// How many API keys the projects of a workspace have that are neither revoked nor expired; those without any are left
    /// out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_usable_keys(
        &self,
        workspace_id: WorkspaceId,
        now: Timestamp,
    ) -> Result<HashMap<ProjectId, u64>, StoreError> {
        let unexpired = Condition::any()
            .add(KeyColumn::ExpiresAt.is_null())
            .add(KeyColumn::ExpiresAt.gt(now.as_micros()));
        let rows: Vec<(i64, i64)> = owned(workspace_id)
            .select_only()
            .column(KeyColumn::ProjectId)
            .column_as(Expr::col(KeyColumn::Id).count(), "keys")
            .filter(KeyColumn::RevokedAt.is_null())
            .filter(unexpired)
            .group_by(KeyColumn::ProjectId)
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(rows.into_iter().map(|(id, keys)| (ProjectId::new(id), keys.cast_unsigned())).collect())
    }
}

impl ChangeTx {
    /// Gives a project another name and description. Says whether there is such a project.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_project(
        &mut self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &str,
        description: &str,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::Name, Expr::value(name))
            .col_expr(Column::Description, Expr::value(description))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.get()))
            .filter(Column::DeletedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }
}
