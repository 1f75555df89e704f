//! Accounts over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use crate::operator::{AccountCall, CallError, Who, shapes};

impl Remote {
    /// Runs a call about accounts.
    pub(super) async fn accounts(&self, call: AccountCall) -> Result<Value, CallError> {
        match call {
            AccountCall::Create { email, membership } => {
                let mut body = json!({"email": email});
                if let Some((workspace, role)) = membership {
                    body["workspace_id"] = json!(workspace);
                    body["role"] = json!(role);
                }
                let made = self.send(Method::POST, "/v1/accounts", &body).await?;
                let mut account = shown(&made);
                account["password_link"] = shapes::LINK.of(&made["password_link"]);
                Ok(account)
            }
            AccountCall::List => {
                Ok(self.pages("/v1/accounts", "accounts").await?.iter().map(shown).collect())
            }
            AccountCall::Disable { who } => self.change_account(&who, &json!({"disabled": true})).await,
            AccountCall::Enable { who } => self.change_account(&who, &json!({"disabled": false})).await,
            AccountCall::SetOperator { who, is_operator } => {
                self.change_account(&who, &json!({"is_operator": is_operator})).await
            }
            AccountCall::PasswordLink { who } => {
                let path = format!("/v1/accounts/{}/password-link", self.account_id(&who).await?);
                Ok(shapes::LINK.of(&self.ask(Method::POST, &path, None).await?))
            }
            AccountCall::SetUpLink => Err(CallError(
                "a set-up link is made by whoever runs the instance: on the server's machine, with --data-dir or --config"
                    .to_owned(),
            )),
            AccountCall::Delete { who } => {
                let id = self.account_id(&who).await?;
                self.delete(&format!("/v1/accounts/{id}")).await?;
                Ok(json!({"account_id": id}))
            }
        }
    }

    async fn change_account(&self, who: &Who, body: &Value) -> Result<Value, CallError> {
        let id = self.account_id(who).await?;
        Ok(shown(&self.send(Method::PATCH, &format!("/v1/accounts/{id}"), body).await?))
    }

    /// The id of the account that is meant. Ids are safe in a path.
    pub(super) async fn account_id(&self, who: &Who) -> Result<String, CallError> {
        let email = match who {
            Who::Id(id) => return Ok(id.to_string()),
            Who::Email(email) => email,
        };
        let accounts = self.pages("/v1/accounts", "accounts").await?;
        let found = accounts.iter().find(|account| account["email"].as_str() == Some(email));
        found.and_then(|account| account["account_id"].as_str()).map(str::to_owned).ok_or_else(|| {
            CallError(format!("there is no account {email}: voxgate users list shows those that are"))
        })
    }
}

/// An account as commands show it.
fn shown(account: &Value) -> Value {
    let mut shown = shapes::ACCOUNT.of(account);
    shown["state"] = json!(if account["disabled_at"].is_null() { "active" } else { "disabled" });
    shown
}
