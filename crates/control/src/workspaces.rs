//! Workspaces: made, listed.

use domain::link::Revision;
use domain::{Area, Plan, Project, Workspace, WorkspaceId};
use storage::StoreError;

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
        todo!("{actor:?} {new:?}")
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        todo!()
    }

    /// One workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        todo!("{id}")
    }
}
