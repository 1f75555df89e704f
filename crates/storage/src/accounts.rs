//! Accounts and memberships. Gateways know neither.

use std::collections::HashMap;

use domain::{Account, AccountId, Role, Timestamp, WorkspaceId};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};

use crate::entities::{account, membership, workspace};
use crate::page::{self, ByAge};
use crate::rows::{At, time};
use crate::{ChangeTx, Page, PageRequest, Store, StoreError};

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
pub fn email_key(email: &str) -> String {
    email.to_lowercase()
}

pub(crate) fn from_row(row: account::Model) -> Result<StoredAccount, StoreError> {
    let at = At { table: "accounts", row: &row.id };
    let id = at.need("id", AccountId::parse(&row.id))?;
    let account = Account {
        id,
        email: row.email,
        created_at: time(row.created_at),
        disabled_at: row.disabled_at.map(time),
        is_operator: row.is_operator,
        time_zone: row.time_zone,
        email_verified_at: row.email_verified_at.map(time),
    };
    Ok(StoredAccount { account, password_hash: row.password_hash })
}

async fn find_by_email(
    connection: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<StoredAccount>, StoreError> {
    let found = account::Entity::find().filter(account::Column::EmailKey.eq(email_key(email)));
    found.one(connection).await?.map(from_row).transpose()
}

/// The workspaces that are not closed.
fn open_workspaces() -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(workspace::Column::Id)
        .from(workspace::Entity)
        .and_where(workspace::Column::ClosedAt.is_null())
        .to_owned()
}

pub(crate) fn parse_membership(row: &membership::Model) -> Result<(WorkspaceId, Role), StoreError> {
    let at = At { table: "memberships", row: &row.account_id };
    let workspace_id = at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?;
    Ok((workspace_id, at.need("role", Role::from_name(&row.role))?))
}

impl Store {
    /// The account with this address, in whatever letter case.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_account_by_email(&self, email: &str) -> Result<Option<StoredAccount>, StoreError> {
        find_by_email(self.db.read(), email).await
    }

    /// An account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        let found = account::Entity::find_by_id(id.to_string()).one(self.db.read()).await?;
        found.map(from_row).transpose()
    }

    /// A page of all accounts, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_accounts(&self, page: &PageRequest) -> Result<Page<Account>, StoreError> {
        let by_age = ByAge { created_at: account::Column::CreatedAt, id: account::Column::Id };
        let rows = by_age.narrow(account::Entity::find(), page).all(self.db.read()).await?;
        page::cut(
            rows,
            page,
            |row| (row.created_at, row.id.clone()),
            |row| from_row(row).map(|stored| stored.account),
        )
    }

    /// The open workspaces that an account belongs to, those that it joined first at the front.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_memberships(&self, id: AccountId) -> Result<Vec<(WorkspaceId, Role)>, StoreError> {
        let rows = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(id.to_string()))
            .filter(membership::Column::WorkspaceId.in_subquery(open_workspaces()))
            .order_by_asc(membership::Column::CreatedAt)
            .order_by_asc(membership::Column::WorkspaceId)
            .all(self.db.read())
            .await?;
        rows.iter().map(parse_membership).collect()
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
        let ids = memberships.iter().map(|member| member.account_id.as_str());
        let accounts =
            account::Entity::find().filter(account::Column::Id.is_in(ids)).all(self.db.read()).await?;
        let mut accounts: HashMap<_, _> = accounts.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut members = Vec::with_capacity(memberships.len());
        for member in memberships {
            // An account that was deleted between the two reads is no member any more.
            let Some(account) = accounts.remove(&member.account_id) else { continue };
            members.push((from_row(account)?.account, parse_membership(&member)?.1));
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
            disabled_at: new.account.disabled_at.map(Timestamp::as_micros),
            is_operator: new.account.is_operator,
            time_zone: new.account.time_zone.clone(),
            email_verified_at: new.account.email_verified_at.map(Timestamp::as_micros),
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

    /// An account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        Ok(self.find_stored_account(id).await?.map(|stored| stored.account))
    }

    /// An account with what recognises it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_stored_account(&self, id: AccountId) -> Result<Option<StoredAccount>, StoreError> {
        account::Entity::find_by_id(id.to_string()).one(&self.tx).await?.map(from_row).transpose()
    }

    /// Lets an account sign in no more, or again. Says whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_account_disabled(
        &mut self,
        id: AccountId,
        disabled_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let updated = account::Entity::update_many()
            .col_expr(account::Column::DisabledAt, Expr::value(disabled_at.map(Timestamp::as_micros)))
            .filter(account::Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Lets an account operate the instance, or no more. Says whether there is such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_operator(&mut self, id: AccountId, is_operator: bool) -> Result<bool, StoreError> {
        let updated = account::Entity::update_many()
            .col_expr(account::Column::IsOperator, Expr::value(is_operator))
            .filter(account::Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Deletes an account, its memberships and its factors. Says whether there was such an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_account(&mut self, id: AccountId) -> Result<bool, StoreError> {
        membership::Entity::delete_many()
            .filter(membership::Column::AccountId.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        self.delete_factors(id).await?;
        let deleted = account::Entity::delete_by_id(id.to_string()).exec(&self.tx).await?;
        Ok(deleted.rows_affected == 1)
    }

    /// The open workspaces that an account belongs to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_memberships(&self, id: AccountId) -> Result<Vec<(WorkspaceId, Role)>, StoreError> {
        let rows = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(id.to_string()))
            .filter(membership::Column::WorkspaceId.in_subquery(open_workspaces()))
            .order_by_asc(membership::Column::WorkspaceId)
            .all(&self.tx)
            .await?;
        rows.iter().map(parse_membership).collect()
    }

    /// How many admins a workspace has, disabled ones among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_admins(&self, workspace_id: WorkspaceId) -> Result<u64, StoreError> {
        let admins = membership::Entity::find()
            .filter(membership::Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(membership::Column::Role.eq(Role::Admin.as_str()));
        Ok(admins.count(&self.tx).await?)
    }

    /// Gives a member another role. Says whether there is such a member.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_role(
        &mut self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
        role: Role,
    ) -> Result<bool, StoreError> {
        let updated = membership::Entity::update_many()
            .col_expr(membership::Column::Role, Expr::value(role.as_str()))
            .filter(membership::Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(membership::Column::AccountId.eq(account_id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Takes an account out of a workspace. Says whether it was a member.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_member(
        &mut self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
    ) -> Result<bool, StoreError> {
        let key = (workspace_id.to_string(), account_id.to_string());
        let deleted = membership::Entity::delete_by_id(key).exec(&self.tx).await?;
        Ok(deleted.rows_affected == 1)
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
