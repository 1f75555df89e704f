//! Running calls about accounts.

use control::{Actor, NewAccount, PageRequest};
use domain::{Account, AccountId, EmailLinkPurpose};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{AccountCall, CallError, Who, views};

/// Accounts that are read at once.
const PAGE_ENTRIES_MAX: u64 = 1000;

/// Where the portal takes a set-up link.
pub(crate) fn set_up_path(secret: &str) -> String {
    format!("/set-up?token={secret}")
}

impl Operator {
    /// Runs a call about accounts.
    pub(super) async fn accounts(&self, call: AccountCall) -> Result<Value, CallError> {
        let control = &self.control;
        match call {
            AccountCall::Create { email, password, membership } => {
                let new = NewAccount { email: &email, password: &password, membership };
                let account = control.create_account_in(&Actor::OPERATOR, new).await.map_err(failed)?;
                Ok(views::account(&account))
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
            AccountCall::SetPassword { who, password } => {
                let id = self.account(&who).await?.id;
                control.set_password(&Actor::OPERATOR, id, &password).await.map_err(failed)?;
                self.shown_account(id).await
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
        let path = set_up_path(secret.expose());
        let expires_at = self.control.now().plus_seconds(EmailLinkPurpose::NewOperator.minutes_max() * 60);
        let url = self.portal_url.as_ref().map(|portal_url| format!("{portal_url}{path}"));
        Ok(json!({"path": path, "url": url, "expires_at": expires_at.to_rfc3339()}))
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
