//! Links to choose a password, which an operator has sent or hands over. Nobody chooses for somebody else.

use credentials::PlainSecret;
use domain::{Account, AccountId, EmailLink, EmailLinkPurpose};
use storage::{AuditAction, ChangeTx, StoreError};

use crate::{Actor, Control};

/// The links that choose a password.
const PASSWORD_LINKS: [EmailLinkPurpose; 2] =
    [EmailLinkPurpose::ResetPassword, EmailLinkPurpose::ChoosePassword];

impl Control {
    /// Makes a link to choose another password, for the mailbox of an account that may sign in; nothing where there is no
    /// such account. Whoever asks for it never sees it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_password_reset_link(
        &self,
        actor: &Actor,
        id: AccountId,
    ) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        self.make_password_link(actor, id, EmailLinkPurpose::ResetPassword).await
    }

    /// Makes a link to choose another password, which an operator hands over to the account's owner; nothing where there is
    /// no such account, or it is disabled. It shows nothing of the mailbox.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_choose_password_link(
        &self,
        actor: &Actor,
        id: AccountId,
    ) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        self.make_password_link(actor, id, EmailLinkPurpose::ChoosePassword).await
    }

    async fn make_password_link(
        &self,
        actor: &Actor,
        id: AccountId,
        purpose: EmailLinkPurpose,
    ) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(id).await?.filter(|account| account.disabled_at.is_none());
        let Some(account) = account else { return Ok(None) };
        let secret = self.add_link(&mut change, purpose, Some(account.id), &account.email).await?;
        self.log_account(change, actor, account.id, AuditAction::PasswordResetAsked).await?;
        Ok(Some((account, secret)))
    }

    /// The link to choose a password that a secret opens, if it works. Nothing is used up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_password_link(&self, secret: &str) -> Result<Option<EmailLink>, StoreError> {
        for purpose in PASSWORD_LINKS {
            if let Some(link) = self.find_link(purpose, secret).await? {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// Ends the links to choose a password for an account.
    pub(crate) async fn end_password_links(change: &mut ChangeTx, id: AccountId) -> Result<(), StoreError> {
        for purpose in PASSWORD_LINKS {
            change.delete_email_links(id, Some(purpose)).await?;
        }
        Ok(())
    }
}
