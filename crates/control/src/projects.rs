//! Projects: made, listed, changed, deleted.

use std::collections::HashMap;

use domain::limits::DESCRIPTION_CHARACTERS_MAX;
use domain::link::Revision;
use domain::{Project, ProjectId, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::names::{is_name, is_text};
use crate::{Actor, Control};

/// What to make a project of.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
}

/// A project that was just made.
#[derive(Debug)]
pub struct CreatedProject {
    /// The project.
    pub project: Project,
    /// The revision that it came with.
    pub revision: Revision,
}

/// Why a project was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateProjectError {
    /// The name is empty or too long.
    #[error("name in body should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The description is too long.
    #[error("description in body should be at most {max} characters long", max = domain::limits::DESCRIPTION_CHARACTERS_MAX)]
    InvalidDescription,
    /// The workspace is full.
    #[error("workspace has maximum number of projects already: {max}")]
    WorkspaceFull {
        /// As many as its plan allows.
        max: u32,
    },
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// The store failed.
    #[error("the project could not be stored")]
    Store(#[from] StoreError),
}

/// Why a project was not renamed.
#[derive(Debug, thiserror::Error)]
pub enum RenameProjectError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    NotFound,
    /// The name is empty or too long.
    #[error("name in body should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The store failed.
    #[error("the new name could not be stored")]
    Store(#[from] StoreError),
}

/// Why a project was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeProjectError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    NotFound,
    /// The name is empty or too long.
    #[error("a project's name should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The description is too long.
    #[error("a description should be at most {max} characters long", max = domain::limits::DESCRIPTION_CHARACTERS_MAX)]
    InvalidDescription,
    /// The store failed.
    #[error("the project could not be stored")]
    Store(#[from] StoreError),
}

/// Why a project was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteProjectError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    NotFound,
    /// A workspace always keeps its default project.
    #[error("the default project of a workspace cannot be deleted")]
    IsDefault,
    /// The store failed.
    #[error("the deletion could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// Makes a project.
    ///
    /// # Errors
    /// See [`CreateProjectError`].
    pub async fn create_project(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        new: NewProject,
    ) -> Result<CreatedProject, CreateProjectError> {
        if !is_name(&new.name) {
            return Err(CreateProjectError::InvalidName);
        }
        if !is_text(&new.description, DESCRIPTION_CHARACTERS_MAX) {
            return Err(CreateProjectError::InvalidDescription);
        }
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let workspace =
            change.find_workspace(workspace_id).await?.ok_or(CreateProjectError::WorkspaceNotFound)?;
        let max = self.limits_of(&workspace).projects_max;
        if change.count_projects(workspace_id).await? >= u64::from(max) {
            return Err(CreateProjectError::WorkspaceFull { max });
        }
        let new = storage::NewProject {
            workspace_id,
            name: new.name,
            description: new.description,
            is_default: false,
            created_at: now,
        };
        let project = change.insert_project(new).await?;
        let action = AuditAction::ProjectCreated;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, project.id);
        let revision = self.inner.publish(change, entry).await?;
        Ok(CreatedProject { project, revision })
    }

    /// The projects of a workspace, oldest first, without deleted ones.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_projects(&self, workspace_id: WorkspaceId) -> Result<Vec<Project>, StoreError> {
        self.inner.store.list_projects(workspace_id).await
    }

    /// At most `limit` projects of a workspace whose numbers come after `after`, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_projects(
        &self,
        workspace_id: WorkspaceId,
        after: Option<ProjectId>,
        limit: u64,
    ) -> Result<Vec<Project>, StoreError> {
        self.inner.store.page_projects(workspace_id, after, limit).await
    }

    /// At most `limit` projects of a workspace with this text in their name or description, whose numbers come after
    /// `after`; oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search_projects(
        &self,
        workspace_id: WorkspaceId,
        text: Option<&str>,
        after: Option<ProjectId>,
        limit: u64,
    ) -> Result<Vec<Project>, StoreError> {
        self.inner.store.search_projects(workspace_id, text, after, limit).await
    }

    /// How many projects a workspace has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_projects(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        self.inner.store.count_projects(workspace_id).await
    }

    /// How many API keys the projects of a workspace have that are neither revoked nor expired; those without any are left
    /// out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_usable_keys(
        &self,
        workspace_id: WorkspaceId,
    ) -> Result<HashMap<ProjectId, u64>, StoreError> {
        self.inner.store.count_usable_keys(workspace_id, self.now()).await
    }

    /// One project of a workspace; a deleted one is absent.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_project(
        &self,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Option<Project>, StoreError> {
        self.inner.store.find_project(workspace_id, id).await
    }

    /// Gives a project another name.
    ///
    /// # Errors
    /// See [`RenameProjectError`].
    pub async fn rename_project(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ProjectId,
        name: &str,
    ) -> Result<Project, RenameProjectError> {
        if !is_name(name) {
            return Err(RenameProjectError::InvalidName);
        }
        let mut change = self.inner.store.change().await?;
        if !change.rename_project(workspace_id, id, name).await? {
            return Err(RenameProjectError::NotFound);
        }
        let project = change.find_project(workspace_id, id).await?.ok_or(RenameProjectError::NotFound)?;
        let action = AuditAction::ProjectRenamed;
        let entry = self.inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, id);
        self.inner.publish(change, entry).await?;
        Ok(project)
    }

    /// Gives a project another name and description.
    ///
    /// # Errors
    /// See [`ChangeProjectError`].
    pub async fn change_project(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ProjectId,
        changed: NewProject,
    ) -> Result<(), ChangeProjectError> {
        if !is_name(&changed.name) {
            return Err(ChangeProjectError::InvalidName);
        }
        if !is_text(&changed.description, DESCRIPTION_CHARACTERS_MAX) {
            return Err(ChangeProjectError::InvalidDescription);
        }
        let mut change = self.inner.store.change().await?;
        if !change.change_project(workspace_id, id, &changed.name, &changed.description).await? {
            return Err(ChangeProjectError::NotFound);
        }
        let action = AuditAction::ProjectChanged;
        let entry = self.inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, id);
        self.inner.publish(change, entry).await?;
        Ok(())
    }

    /// Deletes a project: its keys, and everything born of them, are refused from then on.
    ///
    /// # Errors
    /// See [`DeleteProjectError`].
    pub async fn delete_project(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ProjectId,
    ) -> Result<Revision, DeleteProjectError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let project = change.find_project(workspace_id, id).await?.ok_or(DeleteProjectError::NotFound)?;
        if project.is_default {
            return Err(DeleteProjectError::IsDefault);
        }
        change.delete_project(workspace_id, id, now).await?;
        let action = AuditAction::ProjectDeleted;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        Ok(self.inner.publish(change, entry).await?)
    }
}
