//! Members of workspaces: taken in, given a role, taken out. A workspace keeps one admin at least.

use std::collections::HashMap;

use domain::{Account, AccountId, Role, WorkspaceId};
use storage::{AuditAction, ChangeTx, Member, Page, PageRequest, StoreError};

use crate::{Actor, Control};

/// Why an account was not taken into a workspace.
#[derive(Debug, thiserror::Error)]
pub enum AddMemberError {
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// It is a member already.
    #[error("this account is a member of the workspace already")]
    AlreadyMember,
    /// The store failed.
    #[error("the membership could not be stored")]
    Store(#[from] StoreError),
}

/// Why a member did not get a role.
#[derive(Debug, thiserror::Error)]
pub enum SetMemberError {
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// Nobody would be left to manage the workspace.
    #[error("this account is the workspace's only admin: make another account admin first")]
    LastAdmin,
    /// The store failed.
    #[error("the membership could not be stored")]
    Store(#[from] StoreError),
}

/// Why an account was not taken out of a workspace.
#[derive(Debug, thiserror::Error)]
pub enum RemoveMemberError {
    /// No such workspace, or the account is none of its members.
    #[error("no such member of this workspace")]
    NotFound,
    /// Nobody would be left to manage the workspace.
    #[error("this account is the workspace's only admin: make another account admin first")]
    LastAdmin,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// Whether a workspace would be left without an admin if this member were none.
async fn is_last_admin(change: &ChangeTx, workspace_id: WorkspaceId, role: Role) -> Result<bool, StoreError> {
    Ok(role == Role::Admin && change.count_admins(workspace_id).await? <= 1)
}

impl Control {
    /// Takes an account into a workspace.
    ///
    /// # Errors
    /// See [`AddMemberError`].
    pub async fn add_member(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        role: Role,
    ) -> Result<(), AddMemberError> {
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(AddMemberError::WorkspaceNotFound);
        }
        if !change.has_account(account_id).await? {
            return Err(AddMemberError::AccountNotFound);
        }
        if change.find_role(workspace_id, account_id).await?.is_some() {
            return Err(AddMemberError::AlreadyMember);
        }
        change.insert_member(workspace_id, account_id, role, self.now()).await?;
        self.log_member(change, actor, workspace_id, account_id, AuditAction::MemberAdded, Some(role))
            .await?;
        Ok(())
    }

    /// Makes an account a member with this role, whatever it was before. Says whether that changed anything.
    ///
    /// # Errors
    /// See [`SetMemberError`].
    pub async fn set_member(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        role: Role,
    ) -> Result<bool, SetMemberError> {
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(SetMemberError::WorkspaceNotFound);
        }
        if !change.has_account(account_id).await? {
            return Err(SetMemberError::AccountNotFound);
        }
        let action = match change.find_role(workspace_id, account_id).await? {
            Some(present) if present == role => return Ok(false),
            Some(present) => {
                if is_last_admin(&change, workspace_id, present).await? {
                    return Err(SetMemberError::LastAdmin);
                }
                change.set_role(workspace_id, account_id, role).await?;
                AuditAction::MemberRoleChanged
            }
            None => {
                change.insert_member(workspace_id, account_id, role, self.now()).await?;
                AuditAction::MemberAdded
            }
        };
        self.log_member(change, actor, workspace_id, account_id, action, Some(role)).await?;
        Ok(true)
    }

    /// Gives a member another role. Says whether that changed anything.
    ///
    /// # Errors
    /// See [`SetMemberError`]; an account that is no member is not found.
    pub async fn change_role(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        role: Role,
    ) -> Result<bool, SetMemberError> {
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(SetMemberError::WorkspaceNotFound);
        }
        let present = change.find_role(workspace_id, account_id).await?;
        let present = present.ok_or(SetMemberError::AccountNotFound)?;
        if present == role {
            return Ok(false);
        }
        if is_last_admin(&change, workspace_id, present).await? {
            return Err(SetMemberError::LastAdmin);
        }
        change.set_role(workspace_id, account_id, role).await?;
        let action = AuditAction::MemberRoleChanged;
        self.log_member(change, actor, workspace_id, account_id, action, Some(role)).await?;
        Ok(true)
    }

    /// Takes an account out of a workspace. What it made there stays: keys belong to projects.
    ///
    /// # Errors
    /// See [`RemoveMemberError`].
    pub async fn remove_member(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        account_id: AccountId,
    ) -> Result<(), RemoveMemberError> {
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(RemoveMemberError::NotFound);
        }
        let role = change.find_role(workspace_id, account_id).await?.ok_or(RemoveMemberError::NotFound)?;
        if is_last_admin(&change, workspace_id, role).await? {
            return Err(RemoveMemberError::LastAdmin);
        }
        change.remove_member(workspace_id, account_id).await?;
        self.log_member(change, actor, workspace_id, account_id, AuditAction::MemberRemoved, None).await?;
        Ok(())
    }

    /// The members of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_members(&self, workspace_id: WorkspaceId) -> Result<Vec<(Account, Role)>, StoreError> {
        self.inner.store.list_members(workspace_id).await
    }

    /// A page of the members of a workspace, those who joined first at the front; or of those with this text in their
    /// address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_members(
        &self,
        workspace_id: WorkspaceId,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError> {
        self.inner.store.page_members(workspace_id, text, page).await
    }

    /// A member of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_member(
        &self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
    ) -> Result<Option<Member>, StoreError> {
        self.inner.store.find_member(workspace_id, account_id).await
    }

    /// How many API keys of a workspace each of these accounts has made that are not revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_api_keys_of(
        &self,
        workspace_id: WorkspaceId,
        ids: &[AccountId],
    ) -> Result<HashMap<AccountId, u64>, StoreError> {
        self.inner.store.count_api_keys_of(workspace_id, ids).await
    }

    /// The open workspaces that an account belongs to, and as what.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_memberships(
        &self,
        account_id: AccountId,
    ) -> Result<Vec<(WorkspaceId, Role)>, StoreError> {
        self.inner.store.list_memberships(account_id).await
    }

    async fn log_member(
        &self,
        change: ChangeTx,
        actor: &Actor,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        action: AuditAction,
        role: Option<Role>,
    ) -> Result<(), StoreError> {
        let pseudonym = self.inner.pseudonyms.of_account(account_id);
        let mut entry = self.inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, pseudonym);
        entry.detail = role.map(|role| format!("role {role}")).unwrap_or_default();
        self.inner.publish(change, entry).await?;
        Ok(())
    }
}
