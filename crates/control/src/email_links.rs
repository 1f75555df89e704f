//! One-time links: made, looked at, used up. What opens one are 256 random bits, of which the hash is stored; looking
//! (as mail scanners do) uses nothing up, and of two that use one at once, on whatever nodes, one succeeds.

use std::net::IpAddr;

use credentials::{PlainSecret, hash_secret};
use domain::{Account, AccountId, EmailLink, EmailLinkPurpose, Plan, TIME_ZONE_DEFAULT};
use storage::{AuditAction, ChangeTx, StoreError, StoredAccount};

use crate::accounts::is_email;
use crate::password_rules::{PasswordProblem, check_new_password};
use crate::passwords::PasswordError;
use crate::{Actor, Control, EMAIL_BYTES_MAX};

/// A link's secret, in bytes: longer ones are none.
const SECRET_BYTES_MAX: usize = 128;

/// Why a link was not used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It was used, replaced or has expired, or there never was such a one.
    #[error("this link doesn't work any more: it was used, or it is too old. Ask for another one")]
    NotFound,
    /// The address is an account's by now.
    #[error("there is an account with this e-mail address already")]
    EmailTaken,
    /// No address.
    #[error(
        "this is no e-mail address: expected something like name@example.org, at most {EMAIL_BYTES_MAX} bytes"
    )]
    InvalidEmail,
    /// The password may not be chosen.
    #[error(transparent)]
    InvalidPassword(#[from] PasswordProblem),
    /// The password was not hashed.
    #[error(transparent)]
    Hash(#[from] PasswordError),
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// Why an account moves to no other address.
#[derive(Debug, thiserror::Error)]
pub enum EmailChangeError {
    /// No address.
    #[error(
        "this is no e-mail address: expected something like name@example.org, at most {EMAIL_BYTES_MAX} bytes"
    )]
    InvalidEmail,
    /// It is the account's own.
    #[error("this is the account's address already")]
    SameEmail,
    /// Too many mails to this address.
    #[error("this address got several mails lately: wait a quarter of an hour")]
    MailedEnough,
    /// No such account.
    #[error("no such account")]
    AccountNotFound,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

/// A change of address that was begun; for mails alone: whoever asked must not learn which it is.
#[derive(Debug)]
pub enum EmailChange {
    /// A link goes to the new address.
    Confirm {
        /// What it carries.
        secret: PlainSecret,
    },
    /// The new address is another account's, whose owner is told.
    Taken,
}

/// An account that has moved to another address.
#[derive(Debug)]
pub struct EmailChanged {
    /// The account, with its new address.
    pub account: Account,
    /// The address before.
    pub old_email: String,
}

impl Control {
    /// The link for this purpose that a secret opens, if it works. Nothing is used up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_link(
        &self,
        purpose: EmailLinkPurpose,
        secret: &str,
    ) -> Result<Option<EmailLink>, StoreError> {
        if secret.len() > SECRET_BYTES_MAX {
            return Ok(None);
        }
        let found = self.inner.store.find_email_link(&hash_secret(secret), self.now()).await?;
        Ok(found.filter(|link| link.purpose == purpose))
    }

    /// Puts a link into a change.
    pub(crate) async fn add_link(
        &self,
        change: &mut ChangeTx,
        purpose: EmailLinkPurpose,
        account_id: Option<AccountId>,
        email: &str,
    ) -> Result<PlainSecret, StoreError> {
        let now = self.now();
        let expires_at = now.plus_seconds(purpose.minutes_max() * 60);
        let link = EmailLink { purpose, account_id, email: email.to_owned(), created_at: now, expires_at };
        let secret = PlainSecret::random(&*self.inner.rng);
        change.insert_email_link(&link, &secret.hash()).await?;
        Ok(secret)
    }

    /// Uses a link up within a change; nothing where it was used meanwhile.
    async fn use_link(
        &self,
        change: &mut ChangeTx,
        purpose: EmailLinkPurpose,
        secret: &str,
    ) -> Result<Option<EmailLink>, StoreError> {
        let (hash, now) = (hash_secret(secret), self.now());
        let found = change.find_email_link(&hash, now).await?.filter(|link| link.purpose == purpose);
        let was_used_now = found.is_some() && change.use_email_link(&hash, now).await?;
        Ok(found.filter(|_| was_used_now))
    }

    /// A link by which the owner of this address chooses another password: for its mailbox alone. Nothing where nobody has
    /// the address, its account is disabled, or it got enough mails lately. Call it where nobody waits for the answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_password_reset(
        &self,
        email: &str,
        from: IpAddr,
    ) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        if !is_email(email) || !self.may_mail(email) {
            return Ok(None);
        }
        let mut change = self.inner.store.change().await?;
        let account = change.find_account_by_email(email).await?.map(|stored| stored.account);
        let Some(account) = account.filter(|account| account.disabled_at.is_none()) else { return Ok(None) };
        let purpose = EmailLinkPurpose::ResetPassword;
        let secret = self.add_link(&mut change, purpose, Some(account.id), &account.email).await?;
        let actor = Actor { from: Some(from), ..Actor::SYSTEM };
        self.log_account(change, &actor, account.id, AuditAction::PasswordResetAsked).await?;
        Ok(Some((account, secret)))
    }

    /// Gives an account another password by a link, signs it out everywhere, and ends the other links to it. One that came to
    /// the mailbox shows whose it is, too.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn reset_password(
        &self,
        secret: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Account, LinkError> {
        // Looked at before anything is computed: guesses cost nothing, and a mistake leaves the link as it was.
        let link = self.find_password_link(secret).await?.ok_or(LinkError::NotFound)?;
        check_new_password(password, &link.email)?;
        let password = self.hash_new_password(password).await?;
        let mut change = self.inner.store.change().await?;
        let link = self.use_link(&mut change, link.purpose, secret).await?.ok_or(LinkError::NotFound)?;
        let account_id = link.account_id.ok_or(LinkError::NotFound)?;
        let account = change.find_account(account_id).await?.filter(|account| account.disabled_at.is_none());
        let account = account.ok_or(LinkError::NotFound)?;
        change.set_password_hash(account_id, &password.0).await?;
        if link.purpose == EmailLinkPurpose::ResetPassword {
            self.confirm_in(&mut change, &account).await?;
        }
        change.delete_portal_sessions(account_id, None).await?;
        Self::end_password_links(&mut change, account_id).await?;
        change.delete_email_links(account_id, Some(EmailLinkPurpose::ChangeEmail)).await?;
        let actor = Actor::account(account_id).from(from);
        let mut entry = self.account_entry(&actor, account_id, AuditAction::PasswordReset);
        entry.names.push((entry.subject.clone(), account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(account)
    }

    /// Begins to move an account to another address. Whether another account has it, only that one's owner learns.
    ///
    /// # Errors
    /// See [`EmailChangeError`].
    pub async fn begin_email_change(
        &self,
        actor: &Actor,
        account_id: AccountId,
        email: &str,
    ) -> Result<EmailChange, EmailChangeError> {
        if !is_email(email) {
            return Err(EmailChangeError::InvalidEmail);
        }
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(account_id).await?.ok_or(EmailChangeError::AccountNotFound)?;
        if account.email == email {
            return Err(EmailChangeError::SameEmail);
        }
        if !self.may_mail(email) {
            return Err(EmailChangeError::MailedEnough);
        }
        let other = change.find_account_by_email(email).await?;
        let is_taken = other.is_some_and(|other| other.account.id != account_id);
        let purpose = EmailLinkPurpose::ChangeEmail;
        change.delete_email_links(account_id, Some(purpose)).await?;
        let begun = if is_taken {
            EmailChange::Taken
        } else {
            EmailChange::Confirm {
                secret: self.add_link(&mut change, purpose, Some(account_id), email).await?,
            }
        };
        self.log_account(change, actor, account_id, AuditAction::EmailChangeAsked).await?;
        Ok(begun)
    }

    /// Moves an account to the address that this link was sent to. Links to the former address end.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn finish_email_change(&self, secret: &str, from: IpAddr) -> Result<EmailChanged, LinkError> {
        let mut change = self.inner.store.change().await?;
        let link = self.use_link(&mut change, EmailLinkPurpose::ChangeEmail, secret).await?;
        let link = link.ok_or(LinkError::NotFound)?;
        let account_id = link.account_id.ok_or(LinkError::NotFound)?;
        let account = change.find_account(account_id).await?.filter(|account| account.disabled_at.is_none());
        let account = account.ok_or(LinkError::NotFound)?;
        let other = change.find_account_by_email(&link.email).await?;
        if other.is_some_and(|other| other.account.id != account_id) {
            return Err(LinkError::EmailTaken);
        }
        let now = self.now();
        change.set_email(account_id, &link.email, now).await?;
        change.delete_email_links(account_id, None).await?;
        self.inner.forget_invited(&mut change, &account.email).await?;
        let actor = Actor::account(account_id).from(from);
        let mut entry = self.account_entry(&actor, account_id, AuditAction::EmailChanged);
        entry.names.push((entry.subject.clone(), link.email.clone()));
        self.inner.publish(change, entry).await?;
        let old_email = account.email.clone();
        Ok(EmailChanged {
            account: Account { email: link.email, email_verified_at: Some(now), ..account },
            old_email,
        })
    }

    /// A link that makes the first account, an operator's; nothing where there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_set_up_link(&self) -> Result<Option<PlainSecret>, StoreError> {
        if self.inner.store.has_accounts().await? {
            return Ok(None);
        }
        self.add_set_up_link(&Actor::SYSTEM, EmailLinkPurpose::FirstOperator).await.map(Some)
    }

    /// A link that makes one more operator's account.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_set_up_link(&self, actor: &Actor) -> Result<PlainSecret, StoreError> {
        self.add_set_up_link(actor, EmailLinkPurpose::NewOperator).await
    }

    async fn add_set_up_link(
        &self,
        actor: &Actor,
        purpose: EmailLinkPurpose,
    ) -> Result<PlainSecret, StoreError> {
        let mut change = self.inner.store.change().await?;
        let secret = self.add_link(&mut change, purpose, None, "").await?;
        let action = AuditAction::SetUpLinkMade;
        let entry = self.inner.pseudonyms.entry(self.now(), actor, None, action, purpose);
        self.inner.publish(change, entry).await?;
        Ok(secret)
    }

    /// The set-up link that a secret opens, if it works. Nothing is used up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_set_up_link(&self, secret: &str) -> Result<Option<EmailLink>, StoreError> {
        if let Some(link) = self.find_link(EmailLinkPurpose::NewOperator, secret).await? {
            return Ok(Some(link));
        }
        let found = self.find_link(EmailLinkPurpose::FirstOperator, secret).await?;
        if found.is_some() && self.inner.store.has_accounts().await? {
            return Ok(None);
        }
        Ok(found)
    }

    /// Makes an operator's account with a workspace of its own by a set-up link. Whoever has the link runs the instance, so
    /// the address needs no other proof.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn set_up(
        &self,
        secret: &str,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Account, LinkError> {
        let link = self.find_set_up_link(secret).await?.ok_or(LinkError::NotFound)?;
        if !is_email(email) {
            return Err(LinkError::InvalidEmail);
        }
        check_new_password(password, email)?;
        let password = self.hash_new_password(password).await?;
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_account_by_email(email).await?.is_some() {
            return Err(LinkError::EmailTaken);
        }
        let is_too_late = link.purpose == EmailLinkPurpose::FirstOperator && change.has_accounts().await?;
        if is_too_late || self.use_link(&mut change, link.purpose, secret).await?.is_none() {
            return Err(LinkError::NotFound);
        }
        let account = Account {
            id: AccountId::generate(now, &*self.inner.rng),
            email: email.to_owned(),
            created_at: now,
            disabled_at: None,
            is_operator: true,
            time_zone: TIME_ZONE_DEFAULT.to_owned(),
            email_verified_at: Some(now),
        };
        change.insert_account(&StoredAccount { account: account.clone(), password_hash: password.0 }).await?;
        self.add_own_workspace(&mut change, &account, Plan::Enterprise).await?;
        let actor = Actor::account(account.id).from(from);
        let mut entry = self.account_entry(&actor, account.id, AuditAction::AccountCreated);
        entry.detail = String::from("operator, by a set-up link");
        entry.names.push((entry.subject.clone(), account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(account)
    }
}
