//! Workspaces: made, listed.

use domain::link::Revision;
use domain::{Area, Plan, Project, Timestamp, Workspace, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::names::is_name;
use crate::{Actor, Control};

/// What to make a workspace of.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: Plan,
    /// The area that its keys are linked to unless told otherwise.
    pub home_area: Area,
}

/// A workspace that was just made, with its default project.
#[derive(Debug)]
pub struct CreatedWorkspace {
    /// The workspace.
    pub workspace: Workspace,
    /// Its undeletable project.
    pub default_project: Project,
    /// The revision that they came with.
    pub revision: Revision,
}

/// Why a workspace was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateWorkspaceError {
    /// The name is empty or too long.
    #[error("a workspace's name should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The store failed.
    #[error("the workspace could not be stored")]
    Store(#[from] StoreError),
}

fn default_project(workspace_id: WorkspaceId, created_at: Timestamp) -> storage::NewProject {
    storage::NewProject {
        workspace_id,
        name: String::from("Default project"),
        description: String::new(),
        is_default: true,
        created_at,
    }
}

impl Control {
    /// Makes a workspace and its default project.
    ///
    /// # Errors
    /// See [`CreateWorkspaceError`].
    pub async fn create_workspace(
        &self,
        actor: &Actor,
        new: NewWorkspace,
    ) -> Result<CreatedWorkspace, CreateWorkspaceError> {
        if !is_name(&new.name) {
            return Err(CreateWorkspaceError::InvalidName);
        }
        let now = self.now();
        let workspace = Workspace {
            id: WorkspaceId::generate(now, &*self.inner.rng),
            name: new.name,
            plan: new.plan,
            home_area: new.home_area,
            created_at: now,
        };
        let limits = self.inner.config.plan_limits.limits(workspace.plan);
        let mut change = self.inner.store.change().await?;
        change.insert_workspace(&workspace, limits).await?;
        let default_project = change.insert_project(default_project(workspace.id, now)).await?;
        let action = AuditAction::WorkspaceCreated;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace.id), action, workspace.id);
        let revision = self.inner.publish(change, entry).await?;
        Ok(CreatedWorkspace { workspace, default_project, revision })
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.inner.store.list_workspaces().await
    }

    /// One workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.inner.store.find_workspace(id).await
    }
}
