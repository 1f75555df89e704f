//! Workspaces.

use domain::link::Change;
use domain::{Area, OwnLimits, Plan, PlanLimits, Timestamp, Workspace, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::entities::workspace::{Column, Entity, Model};
use crate::page::{self, ByAge};
use crate::rows::{At, time};
use crate::{ChangeTx, Page, PageRequest, Store, StoreError};

const TABLE: &str = "workspaces";

fn from_row(row: &Model) -> Result<Workspace, StoreError> {
    let at = At { table: TABLE, row: &row.id };
    Ok(Workspace {
        id: at.need("id", WorkspaceId::parse(&row.id))?,
        name: row.name.clone(),
        plan: at.need("plan", Plan::from_name(&row.plan))?,
        home_area: at.need("home_area", Area::from_name(&row.home_area))?,
        own_limits: at.need("own_limits", serde_json::from_str(&row.own_limits).ok())?,
        created_at: time(row.created_at),
    })
}

pub(crate) fn limits(row: &Model) -> Result<PlanLimits, StoreError> {
    At { table: TABLE, row: &row.id }.need("limits", serde_json::from_str(&row.limits).ok())
}

fn limits_column(limits: &PlanLimits) -> Result<String, StoreError> {
    At { table: TABLE, row: &"new" }.need("limits", serde_json::to_string(limits).ok())
}

fn own_limits_column(own: &OwnLimits) -> Result<String, StoreError> {
    At { table: TABLE, row: &"new" }.need("own_limits", serde_json::to_string(own).ok())
}

/// A workspace, and the limits that gateways were told.
pub type WorkspaceLimits = (Workspace, PlanLimits);

pub(crate) fn with_limits(row: Model) -> Result<WorkspaceLimits, StoreError> {
    Ok((from_row(&row)?, limits(&row)?))
}

async fn find(connection: &impl ConnectionTrait, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
    let found = Entity::find_by_id(id.to_string()).filter(Column::ClosedAt.is_null());
    found.one(connection).await?.as_ref().map(from_row).transpose()
}

impl Store {
    /// The workspaces that are not closed, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        Ok(self.list_workspaces_with_limits().await?.into_iter().map(|(workspace, _)| workspace).collect())
    }

    /// The workspaces that are not closed, oldest first, each with the limits that gateways were told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_workspaces_with_limits(&self) -> Result<Vec<(Workspace, PlanLimits)>, StoreError> {
        let rows = Entity::find()
            .filter(Column::ClosedAt.is_null())
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(self.db.read())
            .await?;
        rows.iter().map(|row| Ok((from_row(row)?, limits(row)?))).collect()
    }

    /// A workspace that is not closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        find(self.db.read(), id).await
    }

    /// A workspace that is not closed, with its limits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_workspace_with_limits(
        &self,
        id: WorkspaceId,
    ) -> Result<Option<WorkspaceLimits>, StoreError> {
        let found = Entity::find_by_id(id.to_string()).filter(Column::ClosedAt.is_null());
        found.one(self.db.read()).await?.map(with_limits).transpose()
    }

    /// A page of the workspaces that are not closed, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_workspaces(&self, page: &PageRequest) -> Result<Page<WorkspaceLimits>, StoreError> {
        let query = Entity::find().filter(Column::ClosedAt.is_null());
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow(query, page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), with_limits)
    }
}

impl ChangeTx {
    /// A workspace that is not closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        find(&self.tx, id).await
    }

    /// Makes a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_workspace(&mut self, new: &Workspace, limits: PlanLimits) -> Result<(), StoreError> {
        let row = Model {
            id: new.id.to_string(),
            name: new.name.clone(),
            plan: new.plan.as_str().to_owned(),
            home_area: new.home_area.as_str().to_owned(),
            limits: limits_column(&limits)?,
            created_at: new.created_at.as_micros(),
            revision: self.revision_column(),
            closed_at: None,
            closed_revision: None,
            own_limits: own_limits_column(&new.own_limits)?,
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::Workspace { id: new.id, limits });
        Ok(())
    }

    /// Gives a workspace other limits. Says whether there is such a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_workspace_limits(
        &mut self,
        id: WorkspaceId,
        limits: PlanLimits,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::Limits, Expr::value(limits_column(&limits)?))
            .col_expr(Column::Revision, Expr::value(self.revision_column()))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::ClosedAt.is_null())
            .exec(&self.tx)
            .await?;
        if updated.rows_affected == 1 {
            self.note(Change::Workspace { id, limits });
        }
        Ok(updated.rows_affected == 1)
    }

    /// Gives a workspace another name, plan or home area, or limits of its own. What gateways enforce is set by
    /// [`ChangeTx::set_workspace_limits`]. Says whether there is such a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_workspace(&mut self, workspace: &Workspace) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::Name, Expr::value(workspace.name.as_str()))
            .col_expr(Column::Plan, Expr::value(workspace.plan.as_str()))
            .col_expr(Column::HomeArea, Expr::value(workspace.home_area.as_str()))
            .col_expr(Column::OwnLimits, Expr::value(own_limits_column(&workspace.own_limits)?))
            .filter(Column::Id.eq(workspace.id.to_string()))
            .filter(Column::ClosedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Closes a workspace for good. Says whether there was such a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_workspace(&mut self, id: WorkspaceId, at: Timestamp) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::ClosedAt, Expr::value(at.as_micros()))
            .col_expr(Column::ClosedRevision, Expr::value(self.revision_column()))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::ClosedAt.is_null())
            .exec(&self.tx)
            .await?;
        if updated.rows_affected == 1 {
            self.note(Change::WorkspaceClosed { id });
        }
        Ok(updated.rows_affected == 1)
    }
}
