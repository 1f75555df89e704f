//! Accounts: made, recognised by their password, disabled, deleted.

use credentials::PlainSecret;
use domain::{Account, AccountId, EmailLinkPurpose, Role, TIME_ZONE_DEFAULT, WorkspaceId};
use storage::{AuditAction, ChangeTx, Page, PageRequest, StoreError, StoredAccount};

use crate::password_rules::{PASSWORD_BYTES_MAX, PasswordProblem, check_new_password};
use crate::passwords::PasswordError;
use crate::{Actor, Control, Who};

/// An e-mail address, in bytes.
pub const EMAIL_BYTES_MAX: usize = 254;

/// What to make an account of.
#[derive(Debug, Clone, Copy)]
pub struct NewAccount<'a> {
    /// Its e-mail address.
    pub email: &'a str,
    /// The workspace that it belongs to from the beginning, and as what.
    pub membership: Option<(WorkspaceId, Role)>,
}

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
    /// The password may not be chosen.
    #[error(transparent)]
    InvalidPassword(#[from] PasswordProblem),
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[source] PasswordError),
    /// The store failed.
    #[error("the account could not be stored")]
    Store(#[from] StoreError),
}

/// Why an account did not get another password.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// The password may not be chosen.
    #[error(transparent)]
    InvalidPassword(#[from] PasswordProblem),
    /// The password could not be hashed.
    #[error("the password could not be hashed")]
    Hash(#[source] PasswordError),
    /// The store failed.
    #[error("the password could not be stored")]
    Store(#[from] StoreError),
}

/// Why an account was not disabled, enabled, or made an operator.
#[derive(Debug, thiserror::Error)]
pub enum ChangeAccountError {
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// Why an account was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteAccountError {
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// Nobody would be left to manage a workspace.
    #[error(
        "this account is the only admin of the workspace {0}: make another account admin first, or close it"
    )]
    LastAdmin(WorkspaceId),
    /// The store failed.
    #[error("the deletion could not be stored")]
    Store(#[from] StoreError),
}

/// Whether a text may be an address. Whether mail arrives there is found out by sending some.
pub(crate) fn is_email(text: &str) -> bool {
    let has_both_parts =
        text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_both_parts
        && text.len() <= EMAIL_BYTES_MAX
        && !text.chars().any(|character| character.is_control() || character.is_whitespace())
}

fn check_email(email: &str) -> Result<(), CreateAccountError> {
    if is_email(email) { Ok(()) } else { Err(CreateAccountError::InvalidEmail) }
}

/// Whether the addresses that this one gives accounts need no proof: whoever runs the instance, by command or by a token that
/// operates it, can read everything anyway, and hands over the link to whom they know. Anybody else could make an account for
/// a person who doesn't know of it.
const fn knows_addresses(actor: &Actor) -> bool {
    matches!(actor.who, Who::Operator | Who::System | Who::ManagementToken(_))
}

impl Control {
    /// Makes an account that belongs to no workspace yet, with a password that the caller knows.
    ///
    /// # Errors
    /// See [`CreateAccountError`].
    pub async fn create_account(
        &self,
        actor: &Actor,
        email: &str,
        password: &str,
    ) -> Result<Account, CreateAccountError> {
        check_email(email)?;
        check_new_password(password, email)?;
        let hashed = self.inner.passwords.hash(password, &*self.inner.rng).await;
        let password_hash = hashed.map_err(CreateAccountError::Hash)?;
        let new = NewAccount { email, membership: None };
        let mut change = self.inner.store.change().await?;
        let account = self.insert_account(&mut change, actor, new, password_hash).await?;
        self.log_created(change, actor, new, &account).await?;
        Ok(account)
    }

    /// Makes an account without a password, a member of a workspace if one is given, and the secret of a link by which its
    /// owner chooses one: all or nothing. Whoever makes an account for others never knows their password.
    ///
    /// # Errors
    /// See [`CreateAccountError`].
    pub async fn create_account_in(
        &self,
        actor: &Actor,
        new: NewAccount<'_>,
    ) -> Result<(Account, PlainSecret), CreateAccountError> {
        check_email(new.email)?;
        let mut change = self.inner.store.change().await?;
        let account = self.insert_account(&mut change, actor, new, String::new()).await?;
        let purpose = EmailLinkPurpose::ChoosePassword;
        let secret = self.add_link(&mut change, purpose, Some(account.id), &account.email).await?;
        self.log_created(change, actor, new, &account).await?;
        Ok((account, secret))
    }

    async fn insert_account(
        &self,
        change: &mut ChangeTx,
        actor: &Actor,
        new: NewAccount<'_>,
        password_hash: String,
    ) -> Result<Account, CreateAccountError> {
        let now = self.now();
        let account = Account {
            id: AccountId::generate(now, &*self.inner.rng),
            email: new.email.to_owned(),
            created_at: now,
            disabled_at: None,
            is_operator: false,
            time_zone: TIME_ZONE_DEFAULT.to_owned(),
            email_verified_at: knows_addresses(actor).then_some(now),
        };
        if change.find_account_by_email(new.email).await?.is_some() {
            return Err(CreateAccountError::EmailTaken);
        }
        change.insert_account(&StoredAccount { account: account.clone(), password_hash }).await?;
        if let Some((workspace_id, role)) = new.membership {
            if change.find_workspace(workspace_id).await?.is_none() {
                return Err(CreateAccountError::WorkspaceNotFound);
            }
            change.insert_member(workspace_id, account.id, role, now).await?;
        }
        Ok(account)
    }

    async fn log_created(
        &self,
        change: ChangeTx,
        actor: &Actor,
        new: NewAccount<'_>,
        account: &Account,
    ) -> Result<(), StoreError> {
        let pseudonym = self.inner.pseudonyms.of_account(account.id);
        let workspace_id = new.membership.map(|(workspace_id, _)| workspace_id);
        let action = AuditAction::AccountCreated;
        let mut entry =
            self.inner.pseudonyms.entry(account.created_at, actor, workspace_id, action, &pseudonym);
        entry.detail = new.membership.map(|(_, role)| format!("role {role}")).unwrap_or_default();
        entry.names.push((pseudonym, account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(())
    }

    /// The account with this address.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_account(&self, email: &str) -> Result<Option<Account>, StoreError> {
        Ok(self.inner.store.find_account_by_email(email).await?.map(|stored| stored.account))
    }

    /// The account with this id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_account_by_id(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        Ok(self.inner.store.find_account(id).await?.map(|stored| stored.account))
    }

    /// A page of all accounts, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_accounts(&self, page: &PageRequest) -> Result<Page<Account>, StoreError> {
        self.inner.store.page_accounts(page).await
    }

    /// The account with this address, if the password is right and it may sign in. Takes as long for an unknown address
    /// and for a disabled account, so that nobody learns by a clock who has one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn check_password(&self, email: &str, password: &str) -> Result<Option<Account>, StoreError> {
        if !is_email(email) || password.len() > PASSWORD_BYTES_MAX {
            return Ok(None);
        }
        let stored = self.inner.store.find_account_by_email(email).await?;
        let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
        let is_right = self.inner.passwords.verify(password, hash).await.unwrap_or(false);
        Ok(stored.map(|stored| stored.account).filter(|account| is_right && account.disabled_at.is_none()))
    }

    /// Gives an account another password, signs it out everywhere, and ends the links to choose one.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn set_password(
        &self,
        actor: &Actor,
        account_id: AccountId,
        password: &str,
    ) -> Result<(), SetPasswordError> {
        let account = self.find_account_by_id(account_id).await?.ok_or(SetPasswordError::AccountNotFound)?;
        check_new_password(password, &account.email)?;
        let hashed = self.inner.passwords.hash(password, &*self.inner.rng).await;
        let password_hash = hashed.map_err(SetPasswordError::Hash)?;
        let mut change = self.inner.store.change().await?;
        if !change.set_password_hash(account_id, &password_hash).await? {
            return Err(SetPasswordError::AccountNotFound);
        }
        change.delete_portal_sessions(account_id, None).await?;
        Self::end_password_links(&mut change, account_id).await?;
        self.log_account(change, actor, account_id, AuditAction::PasswordChanged).await?;
        Ok(())
    }

    /// Lets an account sign in no more. What it made stays, since keys belong to projects.
    /// Disabling it twice is no error.
    ///
    /// # Errors
    /// See [`ChangeAccountError`].
    pub async fn disable_account(&self, actor: &Actor, id: AccountId) -> Result<(), ChangeAccountError> {
        self.set_disabled(actor, id, true).await
    }

    /// Lets an account sign in again. Enabling it twice is no error.
    ///
    /// # Errors
    /// See [`ChangeAccountError`].
    pub async fn enable_account(&self, actor: &Actor, id: AccountId) -> Result<(), ChangeAccountError> {
        self.set_disabled(actor, id, false).await
    }

    async fn set_disabled(
        &self,
        actor: &Actor,
        id: AccountId,
        is_disabled: bool,
    ) -> Result<(), ChangeAccountError> {
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(id).await?.ok_or(ChangeAccountError::AccountNotFound)?;
        if account.disabled_at.is_some() == is_disabled {
            return Ok(());
        }
        change.set_account_disabled(id, is_disabled.then(|| self.now())).await?;
        if is_disabled {
            change.delete_portal_sessions(id, None).await?;
            change.delete_email_links(id, None).await?;
        }
        let action = if is_disabled { AuditAction::AccountDisabled } else { AuditAction::AccountEnabled };
        self.log_account(change, actor, id, action).await?;
        Ok(())
    }

    /// Lets an account operate the instance, or no more. Setting what is set already is no error.
    ///
    /// # Errors
    /// See [`ChangeAccountError`].
    pub async fn set_operator(
        &self,
        actor: &Actor,
        id: AccountId,
        is_operator: bool,
    ) -> Result<(), ChangeAccountError> {
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(id).await?.ok_or(ChangeAccountError::AccountNotFound)?;
        if account.is_operator == is_operator {
            return Ok(());
        }
        change.set_operator(id, is_operator).await?;
        let action = if is_operator { AuditAction::OperatorAdded } else { AuditAction::OperatorRemoved };
        self.log_account(change, actor, id, action).await?;
        Ok(())
    }

    /// Deletes an account, its memberships and its name in the audit log. What it made stays.
    ///
    /// # Errors
    /// See [`DeleteAccountError`].
    pub async fn delete_account(&self, actor: &Actor, id: AccountId) -> Result<(), DeleteAccountError> {
        let mut change = self.inner.store.change().await?;
        self.delete_in(&mut change, id).await?;
        self.log_account(change, actor, id, AuditAction::AccountDeleted).await?;
        Ok(())
    }

    /// Deletes an account within a change, with everything that names it.
    pub(crate) async fn delete_in(
        &self,
        change: &mut ChangeTx,
        id: AccountId,
    ) -> Result<(), DeleteAccountError> {
        for (workspace_id, role) in change.list_memberships(id).await? {
            if role == Role::Admin && change.count_admins(workspace_id).await? <= 1 {
                return Err(DeleteAccountError::LastAdmin(workspace_id));
            }
        }
        let account = change.find_account(id).await?.ok_or(DeleteAccountError::AccountNotFound)?;
        change.delete_account(id).await?;
        change.delete_portal_sessions(id, None).await?;
        change.delete_email_links(id, None).await?;
        change.forget_audit_name(&self.inner.pseudonyms.of_account(id)).await?;
        self.inner.forget_invited(change, &account.email).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be no address is refused before anything is stored; unusual but real ones are taken.
    #[test]
    fn addresses_have_two_parts_and_no_blanks() {
        for email in
            ["a@b", "dev@localhost", "first.last+tag@example.org", "\"odd@local\"@example.org", "ü@ü.example"]
        {
            assert!(is_email(email), "{email}");
        }
        let long = format!("{}@example.org", "x".repeat(EMAIL_BYTES_MAX));
        for email in ["", "@", "a@", "@b", "a", "a b@c", "a@b\n", "a@b\u{0}", &long] {
            assert!(!is_email(email), "{email:?}");
        }
    }
}
