//! Accounts of people who were invited: made with the address that the invitation was sent to, whether or not anybody else may
//! register.

use std::net::IpAddr;

use domain::{Account, AccountId, TIME_ZONE_DEFAULT, Timestamp};
use storage::{AuditAction, ChangeTx, StoreError, StoredAccount};

use crate::invitations::open_invitation;
use crate::password_rules::{PasswordProblem, check_new_password};
use crate::passwords::PasswordError;
use crate::registration::NewPassword;
use crate::{AcceptError, Actor, Control};

/// Why no account was made of an invitation.
#[derive(Debug, thiserror::Error)]
pub enum RegisterInvitedError {
    /// It was used, withdrawn, replaced or has expired, or there never was such a one.
    #[error("this invitation is not valid any more: ask whoever invited you for another one")]
    NotFound,
    /// Somebody has an account with its address.
    #[error("there is an account with this e-mail address already: sign in, and accept the invitation")]
    HasAccount,
    /// The password may not be chosen.
    #[error(transparent)]
    InvalidPassword(#[from] PasswordProblem),
    /// The password could not be hashed now.
    #[error(transparent)]
    Hash(#[from] PasswordError),
    /// The store failed.
    #[error("the account could not be stored")]
    Store(#[from] StoreError),
}

impl From<AcceptError> for RegisterInvitedError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::NotFound | AcceptError::OtherAddress => Self::NotFound,
            AcceptError::Store(error) => Self::Store(error),
        }
    }
}

impl Control {
    /// Makes an account with the address that an invitation was sent to, and a member of its workspace: both or neither.
    /// Whoever has the secret has read the mail, so the address needs no other proof, and an account that nobody has
    /// confirmed becomes theirs.
    ///
    /// # Errors
    /// See [`RegisterInvitedError`].
    pub async fn register_invited(
        &self,
        secret: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<Account, RegisterInvitedError> {
        // Looked at before the expensive part, so that guesses at secrets cost little.
        let open = self.find_open_invitation(secret).await?.ok_or(RegisterInvitedError::NotFound)?;
        check_new_password(password, &open.invitation.email)?;
        let password = self.hash_new_password(password).await?;
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let (invitation, workspace) = open_invitation(&change, secret, self).await?;
        let account = self.invited_account(&mut change, &invitation.email, password, now).await?;
        if change.find_role(workspace.id, account.id).await?.is_none() {
            change.insert_member(workspace.id, account.id, invitation.role, now).await?;
        }
        change.end_invitation(workspace.id, invitation.id, now).await?;
        let pseudonym = self.inner.pseudonyms.of_account(account.id);
        let actor = Actor::account(account.id).from(from);
        let (workspace_id, action) = (Some(workspace.id), AuditAction::AccountCreated);
        let mut entry = self.inner.pseudonyms.entry(now, &actor, workspace_id, action, &pseudonym);
        entry.detail = format!("role {}, {}", invitation.role, invitation.id);
        entry.names.push((pseudonym, account.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(account)
    }

    async fn invited_account(
        &self,
        change: &mut ChangeTx,
        email: &str,
        password: NewPassword,
        now: Timestamp,
    ) -> Result<Account, RegisterInvitedError> {
        let Some(known) = change.find_account_by_email(email).await? else {
            let account = Account {
                id: AccountId::generate(now, &*self.inner.rng),
                email: email.to_owned(),
                created_at: now,
                disabled_at: None,
                is_operator: false,
                time_zone: TIME_ZONE_DEFAULT.to_owned(),
                email_verified_at: Some(now),
            };
            let stored = StoredAccount { account: account.clone(), password_hash: password.0 };
            change.insert_account(&stored).await?;
            return Ok(account);
        };
        if !self.may_be_taken_over(&known.account) {
            return Err(RegisterInvitedError::HasAccount);
        }
        let id = known.account.id;
        change.set_password_hash(id, &password.0).await?;
        change.set_email_verified(id, now).await?;
        change.delete_email_links(id, None).await?;
        change.delete_portal_sessions(id, None).await?;
        Ok(Account { email_verified_at: Some(now), ..known.account })
    }
}
