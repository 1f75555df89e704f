//! Making an account for oneself. Whether an address is known is told to its mailbox alone: what is decided from it happens
//! after the answer.
//!
//! An account whose address nobody has confirmed can't sign in, and is taken over by whoever registers the address next:
//! nobody waits in it for its real owner. Confirming asks for the password, so whoever opens somebody else's link confirms
//! nothing.

use std::net::IpAddr;

use credentials::{PlainSecret, hash_secret};
use domain::{
    Account, AccountId, Area, EmailLinkPurpose, OwnLimits, Plan, Role, TIME_ZONE_DEFAULT, Timestamp,
    Workspace, WorkspaceId,
};
use storage::{AuditAction, ChangeTx, StoreError, StoredAccount};

use crate::accounts::is_email;
use crate::password_rules::{PasswordProblem, check_new_password};
use crate::passwords::PasswordError;
use crate::sign_in::{Known, PasswordRefused};
use crate::{Actor, Control, EMAIL_BYTES_MAX};

/// How long an account is kept that nobody confirms, in days.
pub(crate) const UNCONFIRMED_DAYS_MAX: i64 = 7;

/// Who may make an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Everybody.
    Open,
    /// Whoever was invited into a workspace.
    Invitation,
    /// Whoever has an address of one of these domains, lower-cased; invited people too.
    Domains(Vec<String>),
    /// Nobody but those whom an operator makes one.
    Closed,
}

/// How accounts are made by those who want one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Who may.
    pub policy: RegistrationPolicy,
    /// The plan of workspaces that are made so.
    pub plan: Plan,
    /// Whether somebody may sign in before the address was confirmed: for instances that nobody else reaches.
    pub may_sign_in_unconfirmed: bool,
}

impl Default for Registration {
    fn default() -> Self {
        Self { policy: RegistrationPolicy::Invitation, plan: Plan::Free, may_sign_in_unconfirmed: false }
    }
}

/// Why nobody registers so. None of these depends on whether an address is known.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Nobody registers here.
    #[error("accounts of this instance are made by whoever runs it: ask them for one")]
    Closed,
    /// One needs an invitation.
    #[error("accounts of this instance are made by invitation: ask somebody who has one to invite you")]
    Invitation,
    /// The address is of another domain.
    #[error("this instance takes e-mail addresses that end with {}", .0.iter().map(|domain| format!("@{domain}")).collect::<Vec<_>>().join(", "))]
    Domain(Vec<String>),
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
}

/// Somebody who may register: address and password were looked at, and the password is hashed.
#[derive(Debug)]
pub struct Applicant {
    email: String,
    password: NewPassword,
}

/// The hash of a password that may be chosen.
pub(crate) struct NewPassword(pub(crate) String);

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// What became of a registration; for mails alone.
#[derive(Debug)]
pub enum Registered {
    /// There is an account now, whose address is to be confirmed.
    New {
        /// The address.
        email: String,
        /// What the link carries.
        secret: PlainSecret,
    },
    /// There was one already: its owner learns that somebody tried.
    Known {
        /// Its address.
        email: String,
    },
    /// This address got enough mails lately.
    MailedEnough,
}

/// Why an address was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmEmailError {
    /// The link was used, replaced or has expired, or there never was such a one.
    #[error("this link doesn't work any more: register again to get another one")]
    NotFound,
    /// The password is wrong, or too many were tried.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The store failed.
    #[error("the address could not be confirmed")]
    Store(#[from] StoreError),
}

impl Control {
    /// How accounts are made here.
    pub fn registration(&self) -> &Registration {
        &self.inner.config.registration
    }

    /// Lets somebody register, by everything that doesn't depend on who is known; takes one of the turns of the pool that
    /// hashes passwords.
    ///
    /// # Errors
    /// See [`RegisterError`].
    pub async fn admit(&self, email: &str, password: &str) -> Result<Applicant, RegisterError> {
        self.check_registrable(email)?;
        check_new_password(password, email)?;
        let password = self.hash_new_password(password).await?;
        Ok(Applicant { email: email.to_owned(), password })
    }

    pub(crate) fn check_registrable(&self, email: &str) -> Result<(), RegisterError> {
        let policy = &self.registration().policy;
        match policy {
            RegistrationPolicy::Closed => return Err(RegisterError::Closed),
            RegistrationPolicy::Invitation => return Err(RegisterError::Invitation),
            RegistrationPolicy::Open | RegistrationPolicy::Domains(_) => {}
        }
        if !is_email(email) {
            return Err(RegisterError::InvalidEmail);
        }
        match policy {
            RegistrationPolicy::Domains(domains) if !domains.contains(&domain_of(email)) => {
                Err(RegisterError::Domain(domains.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Hashes a password that was checked.
    pub(crate) async fn hash_new_password(&self, password: &str) -> Result<NewPassword, PasswordError> {
        self.inner.passwords.hash(password, &*self.inner.rng).await.map(NewPassword)
    }

    /// Makes an account, or another link to one that nobody has confirmed. Call it where nobody waits for the answer: how
    /// long it takes tells whether the address is known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn register(&self, applicant: Applicant, from: IpAddr) -> Result<Registered, StoreError> {
        let Applicant { email, password } = applicant;
        if !self.may_mail(&email) {
            return Ok(Registered::MailedEnough);
        }
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let known = change.find_account_by_email(&email).await?.map(|stored| stored.account);
        let account = match known {
            None => self.insert_unconfirmed(&mut change, &email, password, now).await?,
            Some(account) if self.may_be_taken_over(&account) => {
                change.set_password_hash(account.id, &password.0).await?;
                change.delete_email_links(account.id, None).await?;
                account
            }
            Some(account) => return Ok(Registered::Known { email: account.email }),
        };
        let secret = self
            .add_link(&mut change, EmailLinkPurpose::VerifyEmail, Some(account.id), &account.email)
            .await?;
        let actor = Actor::account(account.id).from(from);
        let pseudonym = self.inner.pseudonyms.of_account(account.id);
        let mut entry =
            self.inner.pseudonyms.entry(now, &actor, None, AuditAction::AccountRegistered, &pseudonym);
        if self.registration().may_sign_in_unconfirmed {
            entry.names.push((pseudonym, account.email.clone()));
        }
        self.inner.publish(change, entry).await?;
        Ok(Registered::New { email: account.email, secret })
    }

    async fn insert_unconfirmed(
        &self,
        change: &mut ChangeTx,
        email: &str,
        password: NewPassword,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        let account = Account {
            id: AccountId::generate(now, &*self.inner.rng),
            email: email.to_owned(),
            created_at: now,
            disabled_at: None,
            is_operator: false,
            time_zone: TIME_ZONE_DEFAULT.to_owned(),
            email_verified_at: None,
        };
        let stored = StoredAccount { account: account.clone(), password_hash: password.0 };
        change.insert_account(&stored).await?;
        if self.registration().may_sign_in_unconfirmed {
            self.add_own_workspace(change, &account, self.registration().plan).await?;
        }
        Ok(account)
    }

    /// Whether an account is nobody's yet.
    pub(crate) fn may_be_taken_over(&self, account: &Account) -> bool {
        account.email_verified_at.is_none()
            && account.disabled_at.is_none()
            && !self.registration().may_sign_in_unconfirmed
    }

    /// Uses up a link that confirms an address; the password shows that whoever opens the mail is who registered. Makes the
    /// account's own workspace.
    ///
    /// # Errors
    /// See [`ConfirmEmailError`].
    pub async fn confirm_email(
        &self,
        secret: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Known, ConfirmEmailError> {
        let link = self.find_link(EmailLinkPurpose::VerifyEmail, secret).await?;
        let account_id = link.and_then(|link| link.account_id).ok_or(ConfirmEmailError::NotFound)?;
        let password = self.confirm_password(account_id, password, from).await?;
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(account_id).await?.filter(|account| account.disabled_at.is_none());
        let account = account.ok_or(ConfirmEmailError::NotFound)?;
        if !change.use_email_link(&hash_secret(secret), now).await? {
            return Err(ConfirmEmailError::NotFound);
        }
        self.confirm_in(&mut change, &account).await?;
        let actor = Actor::account(account.id).from(from);
        let pseudonym = self.inner.pseudonyms.of_account(account.id);
        let mut entry =
            self.inner.pseudonyms.entry(now, &actor, None, AuditAction::EmailConfirmed, &pseudonym);
        entry.names.push((pseudonym, account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(Known { account: Account { email_verified_at: Some(now), ..account }, password })
    }

    /// Remembers that an account's address is its own, and makes its own workspace where it belongs to none.
    pub(crate) async fn confirm_in(
        &self,
        change: &mut ChangeTx,
        account: &Account,
    ) -> Result<(), StoreError> {
        if account.email_verified_at.is_some() {
            return Ok(());
        }
        change.set_email_verified(account.id, self.now()).await?;
        change.delete_email_links(account.id, Some(EmailLinkPurpose::VerifyEmail)).await?;
        if change.list_memberships(account.id).await?.is_empty() {
            self.add_own_workspace(change, account, self.registration().plan).await?;
        }
        Ok(())
    }

    /// Makes a workspace of an account's own, with its undeletable project.
    pub(crate) async fn add_own_workspace(
        &self,
        change: &mut ChangeTx,
        account: &Account,
        plan: Plan,
    ) -> Result<WorkspaceId, StoreError> {
        let now = self.now();
        let name = account.email.rsplit_once('@').map_or(account.email.as_str(), |(name, _)| name);
        let workspace = Workspace {
            id: WorkspaceId::generate(now, &*self.inner.rng),
            name: name.chars().take(domain::limits::NAME_CHARACTERS_MAX).collect(),
            plan,
            home_area: Area::Eu,
            own_limits: OwnLimits::default(),
            created_at: now,
        };
        change.insert_workspace(&workspace, self.limits_of(&workspace)).await?;
        change.insert_project(crate::workspaces::default_project(workspace.id, now)).await?;
        change.insert_member(workspace.id, account.id, Role::Admin, now).await?;
        Ok(workspace.id)
    }
}

fn domain_of(email: &str) -> String {
    email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default()
}
