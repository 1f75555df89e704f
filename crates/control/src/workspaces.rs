//! Workspaces: made, listed, changed, closed.

use domain::link::Revision;
use domain::{AccountId, Area, OwnLimits, Plan, Project, Role, Timestamp, Workspace, WorkspaceId};
use storage::{AuditAction, Page, PageRequest, StoreError, WorkspaceLimits};

use crate::names::is_name;
use crate::{Actor, Control};

/// Workspaces that an account may be admin of when it makes another one.
pub const WORKSPACES_PER_ACCOUNT_MAX: usize = 20;

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

/// What to change of a workspace; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceChange {
    /// Another name.
    pub name: Option<String>,
    /// Another plan.
    pub plan: Option<Plan>,
    /// Another home area: keys that are made from then on are linked to it.
    pub home_area: Option<Area>,
    /// Limits of its own, in place of all that it had.
    pub own_limits: Option<OwnLimits>,
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

/// A workspace that was just changed.
#[derive(Debug)]
pub struct ChangedWorkspace {
    /// The workspace and its limits, as they are now.
    pub workspace: WorkspaceLimits,
    /// The revision by which gateways enforce its limits.
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

/// Why an account did not get another workspace.
#[derive(Debug, thiserror::Error)]
pub enum CreateOwnWorkspaceError {
    /// The name is empty or too long.
    #[error("a workspace's name should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// It has many already.
    #[error(
        "this account is admin of {WORKSPACES_PER_ACCOUNT_MAX} workspaces already: close one that nobody needs, or make a \
         project instead"
    )]
    TooMany,
    /// The store failed.
    #[error("the workspace could not be stored")]
    Store(#[from] StoreError),
}

/// Why a workspace was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeWorkspaceError {
    /// No such workspace, or it is closed.
    #[error("no such workspace: list the workspaces to see their ids")]
    NotFound,
    /// The name is empty or too long.
    #[error("a workspace's name should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// The store failed.
    #[error("the workspace could not be stored")]
    Store(#[from] StoreError),
}

/// Why a workspace was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseWorkspaceError {
    /// No such workspace, or it is closed already.
    #[error("no such workspace: list the workspaces to see their ids")]
    NotFound,
    /// The store failed.
    #[error("the end of the workspace could not be stored")]
    Store(#[from] StoreError),
}

pub(crate) fn default_project(workspace_id: WorkspaceId, created_at: Timestamp) -> storage::NewProject {
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
            own_limits: OwnLimits::default(),
            created_at: now,
        };
        let limits = self.limits_of(&workspace);
        let mut change = self.inner.store.change().await?;
        change.insert_workspace(&workspace, limits).await?;
        let default_project = change.insert_project(default_project(workspace.id, now)).await?;
        let action = AuditAction::WorkspaceCreated;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace.id), action, workspace.id);
        let revision = self.inner.publish(change, entry).await?;
        Ok(CreatedWorkspace { workspace, default_project, revision })
    }

    /// Makes a workspace of an account's own, whose admin it is. Its plan is the one of whoever registers.
    ///
    /// # Errors
    /// See [`CreateOwnWorkspaceError`].
    pub async fn create_own_workspace(
        &self,
        actor: &Actor,
        account_id: AccountId,
        name: String,
        home_area: Area,
    ) -> Result<Workspace, CreateOwnWorkspaceError> {
        if !is_name(&name) {
            return Err(CreateOwnWorkspaceError::InvalidName);
        }
        let now = self.now();
        let workspace = Workspace {
            id: WorkspaceId::generate(now, &*self.inner.rng),
            name,
            plan: self.registration().plan,
            home_area,
            own_limits: OwnLimits::default(),
            created_at: now,
        };
        let mut change = self.inner.store.change().await?;
        let memberships = change.list_memberships(account_id).await?;
        let owned = memberships.iter().filter(|(_, role)| *role == Role::Admin).count();
        if owned >= WORKSPACES_PER_ACCOUNT_MAX {
            return Err(CreateOwnWorkspaceError::TooMany);
        }
        change.insert_workspace(&workspace, self.limits_of(&workspace)).await?;
        change.insert_project(default_project(workspace.id, now)).await?;
        change.insert_member(workspace.id, account_id, Role::Admin, now).await?;
        let action = AuditAction::WorkspaceCreated;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace.id), action, workspace.id);
        self.inner.publish(change, entry).await?;
        Ok(workspace)
    }

    /// The limits of a workspace on this instance.
    pub fn limits_of(&self, workspace: &Workspace) -> domain::PlanLimits {
        self.inner.config.plan_limits.of(workspace)
    }

    /// Gives a workspace another name, plan or home area, or limits of its own. When this returns, the gateways of this process
    /// enforce the limits; sessions that are open stay open.
    ///
    /// # Errors
    /// See [`ChangeWorkspaceError`].
    pub async fn change_workspace(
        &self,
        actor: &Actor,
        id: WorkspaceId,
        changes: WorkspaceChange,
    ) -> Result<ChangedWorkspace, ChangeWorkspaceError> {
        if changes.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(ChangeWorkspaceError::InvalidName);
        }
        let detail = described(&changes);
        let mut change = self.inner.store.change().await?;
        let mut workspace = change.find_workspace(id).await?.ok_or(ChangeWorkspaceError::NotFound)?;
        let told = self.limits_of(&workspace);
        workspace.name = changes.name.unwrap_or(workspace.name);
        workspace.plan = changes.plan.unwrap_or(workspace.plan);
        workspace.home_area = changes.home_area.unwrap_or(workspace.home_area);
        workspace.own_limits = changes.own_limits.unwrap_or(workspace.own_limits);
        change.update_workspace(&workspace).await?;
        let limits = self.limits_of(&workspace);
        if limits != told {
            change.set_workspace_limits(id, limits).await?;
        }
        let action = AuditAction::WorkspaceChanged;
        let mut entry = self.inner.pseudonyms.entry(self.now(), actor, Some(id), action, id);
        entry.detail = detail;
        let revision = self.inner.publish(change, entry).await?;
        Ok(ChangedWorkspace { workspace: (workspace, limits), revision })
    }

    /// Closes a workspace for good. When this returns, the gateways of this process refuse its keys and what was minted
    /// from them, and have ended its sessions; its management tokens are refused, too.
    ///
    /// # Errors
    /// See [`CloseWorkspaceError`].
    pub async fn close_workspace(
        &self,
        actor: &Actor,
        id: WorkspaceId,
    ) -> Result<Revision, CloseWorkspaceError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if !change.close_workspace(id, now).await? {
            return Err(CloseWorkspaceError::NotFound);
        }
        let action = AuditAction::WorkspaceClosed;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(id), action, id);
        Ok(self.inner.publish(change, entry).await?)
    }

    /// All workspaces, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        self.inner.store.list_workspaces().await
    }

    /// A page of the workspaces, each with the limits that gateways were told; oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_workspaces(&self, page: &PageRequest) -> Result<Page<WorkspaceLimits>, StoreError> {
        self.inner.store.page_workspaces(page).await
    }

    /// One workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.inner.store.find_workspace(id).await
    }

    /// One workspace, with the limits that gateways were told.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_workspace_with_limits(
        &self,
        id: WorkspaceId,
    ) -> Result<Option<WorkspaceLimits>, StoreError> {
        self.inner.store.find_workspace_with_limits(id).await
    }
}

/// What was changed, for the log: a name may be a person's, so it is not told.
fn described(changes: &WorkspaceChange) -> String {
    let mut parts = Vec::new();
    if changes.name.is_some() {
        parts.push(String::from("name"));
    }
    if let Some(plan) = changes.plan {
        parts.push(format!("plan {plan}"));
    }
    if let Some(area) = changes.home_area {
        parts.push(format!("home area {area}"));
    }
    if changes.own_limits.is_some() {
        parts.push(String::from("limits"));
    }
    parts.join(", ")
}
