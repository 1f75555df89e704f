//! What people change about their own accounts.

use std::net::IpAddr;

use domain::{AccountId, PortalSessionId, WorkspaceId};
use storage::{AuditAction, AuditEntry, ChangeTx, StoreError, StoredAccount};

use crate::accounts::DeleteAccountError;
use crate::password_rules::check_new_password;
use crate::{Actor, ChangeAccountError, Control, PasswordRefused, SetPasswordError};

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

/// A password that somebody who is signed in chooses in place of the one before.
#[derive(Clone, Copy)]
pub struct PasswordChange<'a> {
    /// The one before; not looked at where the account has none.
    pub current: &'a str,
    /// The one from now on.
    pub new: &'a str,
    /// The browsers that stay signed in.
    pub stay: StaySignedIn,
    /// Where it is chosen.
    pub from: IpAddr,
}

impl std::fmt::Debug for PasswordChange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stay, from, .. } = self;
        f.debug_struct("PasswordChange").field("stay", stay).field("from", from).finish_non_exhaustive()
    }
}

/// Why somebody didn't get another password.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The one before wasn't told rightly.
    #[error(transparent)]
    Current(#[from] PasswordRefused),
    /// The new one wasn't taken.
    #[error(transparent)]
    New(#[from] SetPasswordError),
}

impl From<StoreError> for ChangePasswordError {
    fn from(error: StoreError) -> Self {
        Self::New(error.into())
    }
}

fn has_password(stored: &StoredAccount) -> bool {
    !stored.password_hash.is_empty()
}

impl Control {
    /// Whether an account has a password: one that came by another provider may have none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_password(&self, account_id: AccountId) -> Result<bool, StoreError> {
        let stored = self.inner.store.find_account(account_id).await?;
        Ok(stored.as_ref().is_some_and(has_password))
    }

    /// Gives somebody who is signed in another password, if they know the one before. Links to choose one end.
    ///
    /// # Errors
    /// See [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        actor: &Actor,
        account_id: AccountId,
        asked: PasswordChange<'_>,
    ) -> Result<(), ChangePasswordError> {
        let stored = self.inner.store.find_account(account_id).await?;
        let stored = stored.ok_or(SetPasswordError::AccountNotFound)?;
        let confirmed = if has_password(&stored) {
            Some(self.confirm_password(account_id, asked.current, asked.from).await?)
        } else {
            None
        };
        check_new_password(asked.new, &stored.account.email).map_err(SetPasswordError::from)?;
        let password = self.hash_new_password(asked.new).await.map_err(SetPasswordError::Hash)?;
        let mut change = self.inner.store.change().await?;
        let present = change.find_stored_account(account_id).await?;
        let present = present.filter(|present| present.account.disabled_at.is_none());
        let present = present.ok_or(SetPasswordError::AccountNotFound)?;
        // Another one may have been chosen while these two were hashed: whoever knows that one decides.
        if !confirmed.map_or(!has_password(&present), |confirmed| confirmed.is_of(&present)) {
            return Err(PasswordRefused::Wrong.into());
        }
        change.set_password_hash(account_id, &password.0).await?;
        if let StaySignedIn::Only(session) = asked.stay {
            change.delete_portal_sessions(account_id, Some(session)).await?;
        }
        Self::end_password_links(&mut change, account_id).await?;
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
