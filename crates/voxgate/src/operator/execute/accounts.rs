//! Running calls about accounts.

use control::{Actor, NewAccount, PageRequest};
use credentials::PlainSecret;
use domain::{Account, AccountId, EmailLinkPurpose};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{AccountCall, CallError, Who, views};

/// Accounts that are read at once.
const PAGE_ENTRIES_MAX: u64 = 1000;

impl Operator {
    /// Runs a call about accounts.
    pub(super) async fn accounts(&self, call: AccountCall) -> Result<Value, CallError> {
        let control = &self.control;
        match call {
            AccountCall::Create { email, membership } => {
                let new = NewAccount { email: &email, membership };
                let made = control.create_account_in(&Actor::OPERATOR, new).await.map_err(failed)?;
                let (account, secret) = made;
                let mut shown = views::account(&account);
                shown["password_link"] = self.link(EmailLinkPurpose::ChoosePassword, &secret);
                Ok(shown)
            }
            AccountCall::List => self.list_accounts().await,
            AccountCall::Disable { who } => {
                let id = self.account(&who).await?.id;
                control.disable_account(&Actor::OPERATOR, id).await.map_err(failed)?;
                self.shown_account(id).await
            }
            AccountCall::Enable { who } => {
                let id = self.account(&who).await?.id;
                control.enable_account(&Actor::OPERATOR, id).await.map_err(failed)?;
                self.shown_account(id).await
            }
            AccountCall::SetOperator { who, is_operator } => {
                let id = self.account(&who).await?.id;
                control.set_operator(&Actor::OPERATOR, id, is_operator).await.map_err(failed)?;
                self.shown_account(id).await
            }
            AccountCall::PasswordLink { who } => {
                let id = self.account(&who).await?.id;
                let made = control.make_choose_password_link(&Actor::OPERATOR, id).await.map_err(failed)?;
                let is_disabled =
                    || CallError(format!("{who} is disabled: voxgate users enable comes first"));
                let (_, secret) = made.ok_or_else(is_disabled)?;
                Ok(self.link(EmailLinkPurpose::ChoosePassword, &secret))
            }
            AccountCall::SetUpLink => self.set_up_link().await,
            AccountCall::Delete { who } => {
                let account = self.account(&who).await?;
                control.delete_account(&Actor::OPERATOR, account.id).await.map_err(failed)?;
                Ok(json!({"account_id": account.id}))
            }
        }
    }

    async fn set_up_link(&self) -> Result<Value, CallError> {
        let secret = self.control.make_set_up_link(&Actor::OPERATOR).await.map_err(failed)?;
        Ok(self.link(EmailLinkPurpose::NewOperator, &secret))
    }

    /// A link that was just made. Where no server runs, it isn't known here where the portal is.
    fn link(&self, purpose: EmailLinkPurpose, secret: &PlainSecret) -> Value {
        let path = purpose.link_path(secret.expose());
        let expires_at = self.control.now().plus_seconds(purpose.minutes_max() * 60);
        let url = self.portal_url.as_ref().map(|portal_url| format!("{portal_url}{path}"));
        json!({"path": path, "url": url, "expires_at": expires_at.to_rfc3339()})
    }

    async fn list_accounts(&self) -> Result<Value, CallError> {
        let mut accounts = Vec::new();
        let mut page = PageRequest { after: None, limit: PAGE_ENTRIES_MAX };
        loop {
            let read = self.control.page_accounts(&page).await.map_err(failed)?;
            accounts.extend(read.items.iter().map(views::account));
            if read.next.is_none() {
                return Ok(Value::Array(accounts));
            }
            page.after = read.next;
        }
    }

    /// The account that is meant.
    pub(super) async fn account(&self, who: &Who) -> Result<Account, CallError> {
        let found = match who {
            Who::Id(id) => self.control.find_account_by_id(*id).await.map_err(failed)?,
            Who::Email(email) => self.control.find_account(email).await.map_err(failed)?,
        };
        found.ok_or_else(|| {
            CallError(format!("there is no account {who}: voxgate users list shows those that are"))
        })
    }

    async fn shown_account(&self, id: AccountId) -> Result<Value, CallError> {
        Ok(views::account(&self.account(&Who::Id(id)).await?))
    }
}
