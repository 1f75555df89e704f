//! One-time links. Gateways know nothing of them, and backups hold none: a restore must not make a used one work again.

use domain::{AccountId, EmailLink, EmailLinkPurpose, SecretHash, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::entities::email_link::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

fn from_row(row: Model) -> Result<EmailLink, StoreError> {
    let at = At { table: "email_links", row: &row.expires_at };
    Ok(EmailLink {
        purpose: at.need("purpose", EmailLinkPurpose::from_name(&row.purpose))?,
        account_id: at.maybe("account_id", row.account_id.as_deref(), AccountId::parse)?,
        email: row.email,
        created_at: time(row.created_at),
        expires_at: time(row.expires_at),
    })
}

fn key(hash: &SecretHash) -> Vec<u8> {
    hash.as_bytes().to_vec()
}

async fn find(
    connection: &impl ConnectionTrait,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<EmailLink>, StoreError> {
    let found = Entity::find()
        .filter(Column::Hash.eq(key(hash)))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.as_micros()));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The link that this secret opens, unless it was used or has expired. Looking doesn't use it up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_email_link(
        &self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<EmailLink>, StoreError> {
        find(self.db.read(), hash, now).await
    }

    /// Forgets the links that have expired. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired_email_links(&self, now: Timestamp) -> Result<u64, StoreError> {
        let tx = self.db.write().await?;
        let deleted = Entity::delete_many().filter(Column::ExpiresAt.lte(now.as_micros())).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }
}

impl ChangeTx {
    /// Keeps a link, which this secret's hash opens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_email_link(&mut self, link: &EmailLink, hash: &SecretHash) -> Result<(), StoreError> {
        let row = Model {
            hash: key(hash),
            purpose: link.purpose.as_str().to_owned(),
            account_id: link.account_id.map(|id| id.to_string()),
            email: link.email.clone(),
            created_at: link.created_at.as_micros(),
            expires_at: link.expires_at.as_micros(),
            used_at: None,
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// The link that this secret opens, unless it was used or has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_email_link(
        &self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<EmailLink>, StoreError> {
        find(&self.tx, hash, now).await
    }

    /// Uses a link up. Says whether this was its one use: of two that try at once, wherever they are, one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_email_link(&mut self, hash: &SecretHash, now: Timestamp) -> Result<bool, StoreError> {
        let used = Entity::update_many()
            .col_expr(Column::UsedAt, Expr::value(now.as_micros()))
            .filter(Column::Hash.eq(key(hash)))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ExpiresAt.gt(now.as_micros()))
            .exec(&self.tx)
            .await?;
        Ok(used.rows_affected == 1)
    }

    /// Deletes the links that concern an account: those for one purpose, or all. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_email_links(
        &mut self,
        account_id: AccountId,
        purpose: Option<EmailLinkPurpose>,
    ) -> Result<u64, StoreError> {
        let mut delete = Entity::delete_many().filter(Column::AccountId.eq(account_id.to_string()));
        if let Some(purpose) = purpose {
            delete = delete.filter(Column::Purpose.eq(purpose.as_str()));
        }
        Ok(delete.exec(&self.tx).await?.rows_affected)
    }
}
