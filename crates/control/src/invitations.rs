//! Invitations into a workspace: sent to an address, accepted once by whoever owns it.
//!
//! The link in the mail carries a secret of 256 bits, of which only the hash is stored. It opens one invitation, for one
//! address, for [`INVITATION_DAYS`]; sending it again replaces it.

use credentials::{PlainSecret, hash_secret};
use domain::{AccountId, Invitation, InvitationId, Role, Workspace, WorkspaceId};
use storage::{AuditAction, AuditEntry, ChangeTx, Page, PageRequest, StoreError};

use crate::accounts::is_email;
use crate::control::Inner;
use crate::{Actor, Control, EMAIL_BYTES_MAX};

/// How long an invitation can be accepted, in days.
pub const INVITATION_DAYS: i64 = 7;
/// Invitations that a workspace makes within 24 hours: each sends a mail to somebody who may not want it.
pub const INVITATIONS_PER_DAY_MAX: u64 = 100;
/// How long to wait before an invitation is sent again, in seconds.
pub const INVITATION_RESEND_SECONDS_MIN: i64 = 60;
/// How long an invitation is remembered after it has expired, in days.
const KEPT_DAYS: i64 = 30;
const SECONDS_PER_DAY: i64 = 24 * 3600;
/// Rounds of forgetting at once; the next hour goes on.
const FORGET_ROUNDS_MAX: u32 = 10;

/// An invitation with the secret of its link: for a mail, and then forgotten.
#[derive(Debug)]
pub struct SentInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// What its link carries.
    pub secret: PlainSecret,
}

/// An invitation that can be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The workspace.
    pub workspace: Workspace,
    /// Whether somebody has an account with its address already, and accepts it with that one.
    pub has_account: bool,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// No address.
    #[error(
        "this is no e-mail address: expected something like name@example.org, at most {EMAIL_BYTES_MAX} bytes"
    )]
    InvalidEmail,
    /// It is a member already.
    #[error("whoever has this address is a member of the workspace already")]
    AlreadyMember,
    /// There is an invitation already.
    #[error("this address is invited already: send that invitation again, or withdraw it")]
    AlreadyInvited,
    /// Too many.
    #[error(
        "this workspace has made {INVITATIONS_PER_DAY_MAX} invitations within 24 hours: wait until tomorrow"
    )]
    TooMany,
    /// Too many mails were asked for to its address.
    #[error("this address was sent several mails a short while ago: try again in an hour")]
    MailedTooOften,
    /// The store failed.
    #[error("the invitation could not be stored")]
    Store(#[from] StoreError),
}

/// Why an invitation was not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// No such invitation of this workspace, or it was accepted or withdrawn.
    #[error("there is no such invitation any more: list the invitations to see those that wait")]
    NotFound,
    /// It was sent a moment ago.
    #[error("this invitation was sent a moment ago: wait {INVITATION_RESEND_SECONDS_MIN} seconds")]
    TooSoon,
    /// Too many mails were asked for to its address.
    #[error("this address was sent several mails a short while ago: try again in an hour")]
    TooMany,
    /// The store failed.
    #[error("the invitation could not be stored")]
    Store(#[from] StoreError),
}

/// Why an invitation was not withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// No such invitation of this workspace, or it was accepted or withdrawn.
    #[error("there is no such invitation any more: list the invitations to see those that wait")]
    NotFound,
    /// The store failed.
    #[error("the end of the invitation could not be stored")]
    Store(#[from] StoreError),
}

/// Why an invitation was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// It was used, withdrawn, replaced or has expired, or there never was such a one.
    #[error("this invitation is not valid any more: ask whoever invited you for another one")]
    NotFound,
    /// It was sent to somebody else.
    #[error("this invitation was sent to another address than this account's")]
    OtherAddress,
    /// The store failed.
    #[error("the membership could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// Invites whoever has an address into a workspace. The caller sends the secret there, and nowhere else.
    ///
    /// # Errors
    /// See [`InviteError`].
    pub async fn invite(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        email: &str,
        role: Role,
    ) -> Result<SentInvitation, InviteError> {
        if !is_email(email) {
            return Err(InviteError::InvalidEmail);
        }
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(InviteError::WorkspaceNotFound);
        }
        if let Some(stored) = change.find_account_by_email(email).await?
            && change.find_role(workspace_id, stored.account.id).await?.is_some()
        {
            return Err(InviteError::AlreadyMember);
        }
        if change.find_invitation_to(workspace_id, email).await?.is_some() {
            return Err(InviteError::AlreadyInvited);
        }
        let yesterday = now.plus_seconds(-SECONDS_PER_DAY);
        if change.count_invitations(workspace_id, yesterday).await? >= INVITATIONS_PER_DAY_MAX {
            return Err(InviteError::TooMany);
        }
        if !self.may_mail(email) {
            return Err(InviteError::MailedTooOften);
        }
        let invitation = Invitation {
            id: InvitationId::generate(now, &*self.inner.rng),
            workspace_id,
            email: email.to_owned(),
            role,
            invited_by: actor.account_id(),
            created_at: now,
            sent_at: now,
            expires_at: now.plus_seconds(INVITATION_DAYS * SECONDS_PER_DAY),
        };
        let secret = PlainSecret::random(&*self.inner.rng);
        change.insert_invitation(&invitation, secret.hash()).await?;
        let mut entry = self.inner.invitation_entry(actor, AuditAction::InvitationCreated, &invitation);
        entry.names.push((entry.subject.clone(), invitation.email.clone()));
        self.inner.publish(change, entry).await?;
        Ok(SentInvitation { invitation, secret })
    }

    /// Makes another link for an invitation, with all of its time; the one before opens nothing any more.
    ///
    /// # Errors
    /// See [`ResendError`].
    pub async fn resend_invitation(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: InvitationId,
    ) -> Result<SentInvitation, ResendError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(ResendError::NotFound);
        }
        let mut invitation = change.find_invitation(workspace_id, id).await?.ok_or(ResendError::NotFound)?;
        if invitation.sent_at.plus_seconds(INVITATION_RESEND_SECONDS_MIN) > now {
            return Err(ResendError::TooSoon);
        }
        if !self.may_mail(&invitation.email) {
            return Err(ResendError::TooMany);
        }
        invitation.sent_at = now;
        invitation.expires_at = now.plus_seconds(INVITATION_DAYS * SECONDS_PER_DAY);
        let secret = PlainSecret::random(&*self.inner.rng);
        change.renew_invitation(&invitation, secret.hash()).await?;
        let entry = self.inner.invitation_entry(actor, AuditAction::InvitationResent, &invitation);
        self.inner.publish(change, entry).await?;
        Ok(SentInvitation { invitation, secret })
    }

    /// Withdraws an invitation: its link opens nothing any more.
    ///
    /// # Errors
    /// See [`WithdrawError`].
    pub async fn withdraw_invitation(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: InvitationId,
    ) -> Result<Invitation, WithdrawError> {
        let mut change = self.inner.store.change().await?;
        let invitation = change.find_invitation(workspace_id, id).await?.ok_or(WithdrawError::NotFound)?;
        change.end_invitation(workspace_id, id, self.now()).await?;
        let entry = self.inner.invitation_entry(actor, AuditAction::InvitationWithdrawn, &invitation);
        self.inner.publish(change, entry).await?;
        Ok(invitation)
    }

    /// A page of the invitations of a workspace that wait, oldest first; some may have expired.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_invitations(
        &self,
        workspace_id: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        self.inner.store.page_invitations(workspace_id, page).await
    }

    /// The invitation that a secret opens, if it can be accepted. Whoever has the secret was sent it, so this is also what
    /// lets somebody register where nobody else may.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_open_invitation(&self, secret: &str) -> Result<Option<OpenInvitation>, StoreError> {
        let found = self.inner.store.find_open_invitation(hash_secret(secret), self.now()).await?;
        let Some(invitation) = found else { return Ok(None) };
        let Some(workspace) = self.find_workspace(invitation.workspace_id).await? else { return Ok(None) };
        let known = self.find_account(&invitation.email).await?;
        let has_account = known.is_some_and(|account| !self.may_be_taken_over(&account));
        Ok(Some(OpenInvitation { invitation, workspace, has_account }))
    }

    /// Accepts an invitation for the account that acts. An account that is a member by then keeps its role, and the
    /// invitation ends all the same.
    ///
    /// # Errors
    /// See [`AcceptError`].
    pub async fn accept_invitation(
        &self,
        actor: &Actor,
        account_id: AccountId,
        secret: &str,
    ) -> Result<Workspace, AcceptError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let (invitation, workspace) = open_invitation(&change, secret, self).await?;
        let account = change.find_account(account_id).await?.filter(|account| account.disabled_at.is_none());
        let account = account.ok_or(AcceptError::NotFound)?;
        if storage::email_key(&account.email) != storage::email_key(&invitation.email) {
            return Err(AcceptError::OtherAddress);
        }
        change.end_invitation(workspace.id, invitation.id, now).await?;
        if change.find_role(workspace.id, account.id).await?.is_none() {
            change.insert_member(workspace.id, account.id, invitation.role, now).await?;
        }
        // The link came to this address, and nowhere else.
        self.confirm_in(&mut change, &account).await?;
        let entry = self.inner.invitation_entry(actor, AuditAction::InvitationAccepted, &invitation);
        self.inner.publish(change, entry).await?;
        Ok(workspace)
    }
}

/// The invitation that a secret opens, and its workspace, within a change.
pub(crate) async fn open_invitation(
    change: &ChangeTx,
    secret: &str,
    control: &Control,
) -> Result<(Invitation, Workspace), AcceptError> {
    let found = change.find_open_invitation(hash_secret(secret), control.now()).await?;
    let invitation = found.ok_or(AcceptError::NotFound)?;
    let workspace = change.find_workspace(invitation.workspace_id).await?;
    Ok((invitation, workspace.ok_or(AcceptError::NotFound)?))
}

impl Inner {
    /// An event about an invitation. The address is somebody's name, so a pseudonym stands for it.
    fn invitation_entry(&self, actor: &Actor, action: AuditAction, invitation: &Invitation) -> AuditEntry {
        let subject = self.pseudonyms.of_invited(&invitation.email);
        let workspace_id = Some(invitation.workspace_id);
        let mut entry = self.pseudonyms.entry(self.now(), actor, workspace_id, action, subject);
        entry.detail = format!("{}, role {}", invitation.id, invitation.role);
        entry
    }

    /// Forgets that an address was invited: with the account that it belonged to, or when that has another one.
    pub(crate) async fn forget_invited(&self, change: &mut ChangeTx, email: &str) -> Result<(), StoreError> {
        change.delete_invitations_to(email).await?;
        change.forget_audit_name(&self.pseudonyms.of_invited(email)).await?;
        Ok(())
    }

    /// Forgets invitations that expired long ago, and with them the addresses of those who never came.
    pub(crate) async fn forget_invitations(&self) {
        if let Err(error) = self.try_forget_invitations().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "old invitations could not be forgotten; it is tried again");
        }
    }

    async fn try_forget_invitations(&self) -> Result<(), StoreError> {
        let before = self.now().plus_seconds(-KEPT_DAYS * SECONDS_PER_DAY);
        for _ in 0..FORGET_ROUNDS_MAX {
            let forgotten = self.store.forget_invitations(before).await?;
            if forgotten.is_empty() {
                break;
            }
            for email in forgotten {
                // Whoever has an account is forgotten when it is deleted.
                if self.store.find_account_by_email(&email).await?.is_none() {
                    self.store.forget_audit_name(&self.pseudonyms.of_invited(&email)).await?;
                }
            }
        }
        Ok(())
    }
}
