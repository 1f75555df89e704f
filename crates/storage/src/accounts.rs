//! Accounts and memberships. Gateways know neither.

use domain::{Account, AccountId, Role, Timestamp, WorkspaceId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::entities::{account, membership};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// An account with what recognises it.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// The account.
    pub account: Account,
    /// The hash of its password, in PHC form.
    pub password_hash: String,
}

impl std::fmt::Debug for StoredAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAccount").field("account", &self.account).finish_non_exhaustive()
    }
}

/// What addresses are compared by: mail servers don't tell letter cases apart.
fn email_key(email: &str) -> String {
    email.to_lowercase()
}

fn from_row(row: account::Model) -> Result<StoredAccount, StoreError> {
    let at = At { table: "accounts", row: &row.id };
    let id = at.need("id", AccountId::parse(&row.id))?;
    let account = Account { id, email: row.email, created_at: time(row.created_at) };
    Ok(StoredAccount { account, password_hash: row.password_hash })
}

async fn find_by_email(
    connection: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<StoredAccount>, StoreError> {
    let found = account::Entity::find().filter(account::Column::EmailKey.eq(email_key(email)));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The account with this address, in whatever letter case.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_account_by_email(&self, email: &str) -> Result<Option<StoredAccount>, StoreError> {
        find_by_email(self.db.read(), email).await
    }

    /// The members of a workspace, those who joined first at the front.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_members(&self, workspace_id: WorkspaceId) -> Result<Vec<(Account, Role)>, StoreError> {
        let memberships = membership::Entity::find()
            .filter(membership::Column::WorkspaceId.eq(workspace_id.to_string()))
            .order_by_asc(membership::Column::CreatedAt)
            .order_by_asc(membership::Column::AccountId)
            .all(self.db.read())
            .await?;
        let mut members = Vec::with_capacity(memberships.len());
        for member in memberships {
            let at = At { table: "memberships", row: &member.account_id };
            let role = at.need("role", Role::from_name(&member.role))?;
            let account = account::Entity::find_by_id(member.account_id.clone()).one(self.db.read()).await?;
            members.push((from_row(at.need("account_id", account)?)?.account, role));
        }
        Ok(members)
    }
}

impl ChangeTx {
    /// Makes an account.
    ///
    /// # Errors
    /// A unique violation when its address is taken.
    pub async fn insert_account(&mut self, new: &StoredAccount) -> Result<(), StoreError> {
        let row = account::Model {
            id: new.account.id.to_string(),
            email: new.account.email.clone(),
            email_key: email_key(&new.account.email),
            password_hash: new.password_hash.clone(),
            created_at: new.account.created_at.as_micros(),
        };
        account::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// The account with this address, in whatever letter case.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_account_by_email(&self, email: &str) -> Result<Option<StoredAccount>, StoreError> {
        find_by_email(&self.tx, email).await
    }

    /// Whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_account(&self, id: AccountId) -> Result<bool, StoreError> {
        Ok(account::Entity::find_by_id(id.to_string()).one(&self.tx).await?.is_some())
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_password_hash(
        &mut self,
        id: AccountId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        let updated = account::Entity::update_many()
            .col_expr(account::Column::PasswordHash, password_hash.into())
            .filter(account::Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// What an account is in a workspace, if it is a member.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_role(
        &self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
    ) -> Result<Option<Role>, StoreError> {
        let key = (workspace_id.to_string(), account_id.to_string());
        let Some(row) = membership::Entity::find_by_id(key).one(&self.tx).await? else {
            return Ok(None);
        };
        let at = At { table: "memberships", row: &row.account_id };
        Ok(Some(at.need("role", Role::from_name(&row.role))?))
    }

    /// Takes an account into a workspace.
    ///
    /// # Errors
    /// A unique violation when it is a member already.
    pub async fn insert_member(
        &mut self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        role: Role,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = membership::Model {
            workspace_id: workspace_id.to_string(),
            account_id: account_id.to_string(),
            role: role.as_str().to_owned(),
            created_at: at.as_micros(),
        };
        membership::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }
}
