//! Projects. A deleted one looks absent, and so do its keys.

use domain::link::Change;
use domain::{Project, ProjectId, Timestamp, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use crate::entities::project::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The workspace that owns it.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is the workspace's undeletable one.
    pub is_default: bool,
    /// When.
    pub created_at: Timestamp,
}

pub(crate) fn from_row(row: Model) -> Result<Project, StoreError> {
    let workspace_id =
        At { table: "projects", row: &row.id }.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?;
    Ok(Project {
        id: ProjectId::new(row.id),
        workspace_id,
        name: row.name,
        description: row.description,
        is_default: row.is_default,
        created_at: time(row.created_at),
        deleted_at: row.deleted_at.map(time),
    })
}

/// The projects of a workspace that are not deleted.
pub(crate) fn alive(workspace_id: WorkspaceId) -> Select<Entity> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
        .filter(Column::DeletedAt.is_null())
}

async fn find(
    connection: &impl ConnectionTrait,
    workspace_id: WorkspaceId,
    id: ProjectId,
) -> Result<Option<Project>, StoreError> {
    let found = alive(workspace_id).filter(Column::Id.eq(id.get())).one(connection).await?;
    found.map(from_row).transpose()
}

impl Store {
    /// The projects of a workspace, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_projects(&self, workspace_id: WorkspaceId) -> Result<Vec<Project>, StoreError> {
        let rows = alive(workspace_id).order_by_asc(Column::Id).all(self.db.read()).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// At most `limit` projects of a workspace whose numbers come after `after`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_projects(
        &self,
        workspace_id: WorkspaceId,
        after: Option<ProjectId>,
        limit: u64,
    ) -> Result<Vec<Project>, StoreError> {
        let mut query = alive(workspace_id);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.get()));
        }
        let rows = query.order_by_asc(Column::Id).limit(limit).all(self.db.read()).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// A project of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<Project>, StoreError> {
        find(self.db.read(), workspace_id, id).await
    }
}

impl ChangeTx {
    /// A project of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<Project>, StoreError> {
        find(&self.tx, workspace_id, id).await
    }

    /// How many projects a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_projects(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        Ok(alive(workspace_id).count(&self.tx).await?)
    }

    /// Makes a project; its number is never given again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_project(&mut self, new: NewProject) -> Result<Project, StoreError> {
        let row = Model {
            id: self.next_project_id(),
            workspace_id: new.workspace_id.to_string(),
            name: new.name,
            description: new.description,
            is_default: new.is_default,
            created_at: new.created_at.as_micros(),
            revision: self.revision_column(),
            deleted_at: None,
            deleted_revision: None,
        };
        Entity::insert(row.clone().into_active_model()).exec_without_returning(&self.tx).await?;
        let project = from_row(row)?;
        self.note(Change::Project { id: project.id, workspace_id: project.workspace_id });
        Ok(project)
    }

    /// Gives a project another name. Says whether there is such a project.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rename_project(
        &mut self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::Name, Expr::value(name))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.get()))
            .filter(Column::DeletedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Deletes a project for good, and with it everything in it. Says whether there was such a project.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_project(
        &mut self,
        workspace_id: WorkspaceId,
        id: ProjectId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::DeletedAt, Expr::value(at.as_micros()))
            .col_expr(Column::DeletedRevision, Expr::value(self.revision_column()))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.get()))
            .filter(Column::DeletedAt.is_null())
            .exec(&self.tx)
            .await?;
        if updated.rows_affected == 1 {
            self.note(Change::ProjectDeleted { id });
        }
        Ok(updated.rows_affected == 1)
    }
}
