//! Accounts: made, recognised by their password, taken into workspaces.

use domain::{Account, AccountId, Role, WorkspaceId};
use storage::StoreError;

use crate::{Actor, Control};

/// A password, in bytes, at least.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// A password, in bytes, at most: longer ones are refused before anything is computed.
pub const PASSWORD_BYTES_MAX: usize = 1024;
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
        todo!("{actor:?} {email} {}", password.len())
    }

    /// The account with this address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_account(&self, email: &str) -> Result<Option<Account>, StoreError> {
        todo!("{email}")
    }

    /// The account with this address, if the password is right. Takes as long for an unknown address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn check_password(&self, email: &str, password: &str) -> Result<Option<Account>, StoreError> {
        todo!("{email} {}", password.len())
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
        todo!("{actor:?} {workspace_id} {account_id} {role}")
    }

    /// The members of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_members(&self, workspace_id: WorkspaceId) -> Result<Vec<(Account, Role)>, StoreError> {
        todo!("{workspace_id}")
    }
}
