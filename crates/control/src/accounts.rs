//! Accounts: made, recognised by their password, taken into workspaces.

use domain::{Account, AccountId, Role, WorkspaceId};
use storage::{AuditAction, StoreError, StoredAccount};

use crate::passwords::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, is_acceptable};
use crate::{Actor, Control, ControlError};

/// An e-mail address, in bytes.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// No address.
    #[error(
        "this is no e-mail address: expected something like name@example.org, at most {EMAIL_BYTES_MAX} bytes"
    )]
    InvalidEmail,
    /// There is an account with this address.
    #[error("there is an account with this e-mail address already")]
    EmailTaken,
    /// The password is too short or too long.
    #[error("a password should be {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes long")]
    InvalidPassword,
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[source] ControlError),
    /// The store failed.
    #[error("the account could not be stored")]
    Store(#[from] StoreError),
}

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

/// Why an account did not get another password.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// The password is too short or too long.
    #[error("a password should be {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes long")]
    InvalidPassword,
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[source] ControlError),
    /// The store failed.
    #[error("the password could not be stored")]
    Store(#[from] StoreError),
}

/// Whether a text may be an address. Whether mail arrives there is found out by sending some.
fn is_email(text: &str) -> bool {
    let has_both_parts =
        text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_both_parts
        && text.len() <= EMAIL_BYTES_MAX
        && !text.chars().any(|character| character.is_control() || character.is_whitespace())
}

impl Control {
    /// Makes an account.
    ///
    /// # Errors
    /// See [`CreateAccountError`].
    pub async fn create_account(
        &self,
        actor: &Actor,
        email: &str,
        password: &str,
    ) -> Result<Account, CreateAccountError> {
        if !is_email(email) {
            return Err(CreateAccountError::InvalidEmail);
        }
        if !is_acceptable(password) {
            return Err(CreateAccountError::InvalidPassword);
        }
        let hashed = self.inner.passwords.hash(password, &*self.inner.rng).await;
        let password_hash = hashed.map_err(CreateAccountError::Hash)?;
        let now = self.now();
        let id = AccountId::generate(now, &*self.inner.rng);
        let account = Account { id, email: email.to_owned(), created_at: now };
        let mut change = self.inner.store.change().await?;
        if change.find_account_by_email(email).await?.is_some() {
            return Err(CreateAccountError::EmailTaken);
        }
        change.insert_account(&StoredAccount { account: account.clone(), password_hash }).await?;
        let pseudonym = self.inner.pseudonyms.of_account(id);
        let action = AuditAction::AccountCreated;
        let mut entry = self.inner.pseudonyms.entry(now, actor, None, action, &pseudonym);
        entry.names.push((pseudonym, email.to_owned()));
        self.inner.publish(change, entry).await?;
        Ok(account)
    }

    /// The account with this address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_account(&self, email: &str) -> Result<Option<Account>, StoreError> {
        Ok(self.inner.store.find_account_by_email(email).await?.map(|stored| stored.account))
    }

    /// The account with this address, if the password is right. Takes as long for an unknown address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn check_password(&self, email: &str, password: &str) -> Result<Option<Account>, StoreError> {
        if !is_email(email) || password.len() > PASSWORD_BYTES_MAX {
            return Ok(None);
        }
        let Some(stored) = self.inner.store.find_account_by_email(email).await? else {
            // As long as for a known address, so that nobody learns by a clock who has an account.
            drop(self.inner.passwords.hash(password, &*self.inner.rng).await);
            return Ok(None);
        };
        let is_right = self.inner.passwords.verify(password, stored.password_hash).await;
        Ok(is_right.then_some(stored.account))
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn set_password(
        &self,
        actor: &Actor,
        account_id: AccountId,
        password: &str,
    ) -> Result<(), SetPasswordError> {
        if !is_acceptable(password) {
            return Err(SetPasswordError::InvalidPassword);
        }
        let hashed = self.inner.passwords.hash(password, &*self.inner.rng).await;
        let password_hash = hashed.map_err(SetPasswordError::Hash)?;
        let mut change = self.inner.store.change().await?;
        if !change.set_password_hash(account_id, &password_hash).await? {
            return Err(SetPasswordError::AccountNotFound);
        }
        let pseudonym = self.inner.pseudonyms.of_account(account_id);
        let entry =
            self.inner.pseudonyms.entry(self.now(), actor, None, AuditAction::PasswordChanged, pseudonym);
        self.inner.publish(change, entry).await?;
        Ok(())
    }

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
        let now = self.now();
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
        change.insert_member(workspace_id, account_id, role, now).await?;
        let pseudonym = self.inner.pseudonyms.of_account(account_id);
        let action = AuditAction::MemberAdded;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, pseudonym);
        entry.detail = format!("role {role}");
        self.inner.publish(change, entry).await?;
        Ok(())
    }

    /// The members of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_members(&self, workspace_id: WorkspaceId) -> Result<Vec<(Account, Role)>, StoreError> {
        self.inner.store.list_members(workspace_id).await
    }
}
