//! Who somebody is at another provider. An identity belongs to one account, and is found by nothing but the provider and
//! what it calls its user.

use domain::{AccountId, Identity, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};

use super::entity::identity::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

fn from_row(row: Model) -> Result<Identity, StoreError> {
    let at = At { table: "identities", row: &row.subject };
    Ok(Identity {
        account_id: at.need("account_id", AccountId::parse(&row.account_id))?,
        provider: row.provider,
        subject: row.subject.clone(),
        label: row.label,
        created_at: time(row.created_at),
        last_used_at: row.last_used_at.map(time),
    })
}

async fn find(
    connection: &impl ConnectionTrait,
    provider: &str,
    subject: &str,
) -> Result<Option<Identity>, StoreError> {
    let key = (provider.to_owned(), subject.to_owned());
    Entity::find_by_id(key).one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// Whose this identity is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity(&self, provider: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
        find(self.db.read(), provider, subject).await
    }

    /// The identities of an account, those that were linked first at the front.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_identities(&self, id: AccountId) -> Result<Vec<Identity>, StoreError> {
        let rows = Entity::find()
            .filter(Column::AccountId.eq(id.to_string()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Provider)
            .order_by_asc(Column::Subject)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(from_row).collect()
    }
}

impl ChangeTx {
    /// Whose this identity is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_identity(&self, provider: &str, subject: &str) -> Result<Option<Identity>, StoreError> {
        find(&self.tx, provider, subject).await
    }

    /// How many identities an account has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_identities(&self, id: AccountId) -> Result<u64, StoreError> {
        let found = Entity::find().filter(Column::AccountId.eq(id.to_string()));
        Ok(found.count(&self.tx).await?)
    }

    /// Links an identity.
    ///
    /// # Errors
    /// A unique violation when it is linked already.
    pub async fn insert_identity(&mut self, new: &Identity) -> Result<(), StoreError> {
        let row = Model {
            provider: new.provider.clone(),
            subject: new.subject.clone(),
            account_id: new.account_id.to_string(),
            label: new.label.clone(),
            created_at: new.created_at.as_micros(),
            last_used_at: new.last_used_at.map(Timestamp::as_micros),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// Remembers when an identity was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_identity_used(
        &mut self,
        provider: &str,
        subject: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(at.as_micros()))
            .filter(Column::Provider.eq(provider))
            .filter(Column::Subject.eq(subject))
            .exec(&self.tx)
            .await?;
        Ok(())
    }

    /// Unlinks an identity of an account. Says whether it was linked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_identity(
        &mut self,
        account_id: AccountId,
        provider: &str,
        subject: &str,
    ) -> Result<bool, StoreError> {
        let deleted = Entity::delete_many()
            .filter(Column::Provider.eq(provider))
            .filter(Column::Subject.eq(subject))
            .filter(Column::AccountId.eq(account_id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(deleted.rows_affected == 1)
    }
}
