//! What people change about their own accounts.

use domain::{AccountId, EmailLinkPurpose, PortalSessionId, WorkspaceId};
use storage::{AuditAction, AuditEntry, ChangeTx, StoreError};

use crate::accounts::DeleteAccountError;
use crate::password_rules::check_new_password;
use crate::{Actor, ChangeAccountError, Control, SetPasswordError};

/// The name of a time zone, in bytes.
pub const TIME_ZONE_BYTES_MAX: usize = 64;

/// The browsers that stay signed in when a password changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaySignedIn {
    /// All of them.
    Everywhere,
    /// This one alone.
    Only(PortalSessionId),
}

impl Control {
    /// Gives somebody who is signed in another password. Links to choose one end.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn change_password(
        &self,
        actor: &Actor,
        account_id: AccountId,
        password: &str,
        stay: StaySignedIn,
    ) -> Result<(), SetPasswordError> {
        let account = self.find_account_by_id(account_id).await?.ok_or(SetPasswordError::AccountNotFound)?;
        check_new_password(password, &account.email)?;
        let password = self.hash_new_password(password).await.map_err(SetPasswordError::Hash)?;
        let mut change = self.inner.store.change().await?;
        if !change.set_password_hash(account_id, &password.0).await? {
            return Err(SetPasswordError::AccountNotFound);
        }
        if let StaySignedIn::Only(session) = stay {
            change.delete_portal_sessions(account_id, Some(session)).await?;
        }
        change.delete_email_links(account_id, Some(EmailLinkPurpose::ResetPassword)).await?;
        self.log_account(change, actor, account_id, AuditAction::PasswordChanged).await?;
        Ok(())
    }

    /// Has an account read times in another zone: an IANA name that the caller has checked.
    ///
    /// # Errors
    /// See [`ChangeAccountError`].
    pub async fn set_time_zone(
        &self,
        actor: &Actor,
        account_id: AccountId,
        time_zone: &str,
    ) -> Result<(), ChangeAccountError> {
        let mut change = self.inner.store.change().await?;
        if time_zone.len() > TIME_ZONE_BYTES_MAX || !change.set_time_zone(account_id, time_zone).await? {
            return Err(ChangeAccountError::AccountNotFound);
        }
        self.log_account(change, actor, account_id, AuditAction::TimeZoneChanged).await?;
        Ok(())
    }

    /// The workspaces that nobody else belongs to: they end with the account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_sole_workspaces(&self, account_id: AccountId) -> Result<Vec<WorkspaceId>, StoreError> {
        let mut sole = Vec::new();
        for (workspace_id, _) in self.inner.store.list_memberships(account_id).await? {
            if self.inner.store.list_members(workspace_id).await?.len() == 1 {
                sole.push(workspace_id);
            }
        }
        Ok(sole)
    }

    /// Deletes an account for its owner, and closes the workspaces that nobody else belongs to: their keys end.
    ///
    /// # Errors
    /// See [`DeleteAccountError`].
    pub async fn delete_own_account(&self, actor: &Actor, id: AccountId) -> Result<(), DeleteAccountError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let mut closed = Vec::new();
        for (workspace_id, _) in change.list_memberships(id).await? {
            if change.count_members(workspace_id).await? == 1 {
                change.close_workspace(workspace_id, now).await?;
                closed.push(workspace_id.to_string());
            }
        }
        self.delete_in(&mut change, id).await?;
        let mut entry = self.account_entry(actor, id, AuditAction::AccountDeleted);
        if !closed.is_empty() {
            entry.detail = format!("closed {}", closed.join(", "));
        }
        self.inner.publish(change, entry).await?;
        Ok(())
    }

    pub(crate) fn account_entry(&self, actor: &Actor, id: AccountId, action: AuditAction) -> AuditEntry {
        let pseudonym = self.inner.pseudonyms.of_account(id);
        self.inner.pseudonyms.entry(self.now(), actor, None, action, pseudonym)
    }

    pub(crate) async fn log_account(
        &self,
        change: ChangeTx,
        actor: &Actor,
        id: AccountId,
        action: AuditAction,
    ) -> Result<(), StoreError> {
        self.inner.publish(change, self.account_entry(actor, id, action)).await?;
        Ok(())
    }
}
