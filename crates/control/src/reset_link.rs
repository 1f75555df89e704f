//! A link to choose another password, which an operator has sent to somebody who asked for help.

use credentials::PlainSecret;
use domain::{Account, AccountId, EmailLinkPurpose};
use storage::{AuditAction, StoreError};

use crate::{Actor, Control};

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
        let mut change = self.inner.store.change().await?;
        let account = change.find_account(id).await?.filter(|account| account.disabled_at.is_none());
        let Some(account) = account else { return Ok(None) };
        let purpose = EmailLinkPurpose::ResetPassword;
        let secret = self.add_link(&mut change, purpose, Some(account.id), &account.email).await?;
        self.log_account(change, actor, account.id, AuditAction::PasswordResetAsked).await?;
        Ok(Some((account, secret)))
    }
}
