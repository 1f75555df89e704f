//! Authenticator apps: their secrets, sealed before they come here, and how far their codes were used.

use domain::{AccountId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::entity::totp::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// An account's authenticator app.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredTotp {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its secret, sealed under the master key.
    pub sealed_secret: Vec<u8>,
    /// When it was added.
    pub created_at: Timestamp,
    /// The number of the newest interval whose code was used.
    pub last_step: u64,
    /// Wrong codes since the last right one.
    pub failures: u64,
    /// The moment by which the guesses so far are within their rate, in microseconds.
    pub guesses_due_micros: i64,
}

impl std::fmt::Debug for StoredTotp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredTotp").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

fn from_row(row: Model) -> Result<StoredTotp, StoreError> {
    let at = At { table: "totp", row: &row.account_id };
    Ok(StoredTotp {
        account_id: at.need("account_id", AccountId::parse(&row.account_id))?,
        last_step: at.need("last_step", row.last_step.try_into().ok())?,
        failures: at.need("failures", row.failures.try_into().ok())?,
        sealed_secret: row.sealed_secret,
        created_at: time(row.created_at),
        guesses_due_micros: row.guesses_due,
    })
}

async fn find(connection: &impl ConnectionTrait, id: AccountId) -> Result<Option<StoredTotp>, StoreError> {
    Entity::find_by_id(id.to_string()).one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The authenticator app of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_totp(&self, id: AccountId) -> Result<Option<StoredTotp>, StoreError> {
        find(self.db.read(), id).await
    }
}

impl ChangeTx {
    /// The authenticator app of an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_totp(&self, id: AccountId) -> Result<Option<StoredTotp>, StoreError> {
        find(&self.tx, id).await
    }

    /// All of them, to be sealed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_totp(&self) -> Result<Vec<StoredTotp>, StoreError> {
        let rows = Entity::find().order_by_asc(Column::AccountId).all(&self.tx).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Keeps an account's authenticator app.
    ///
    /// # Errors
    /// A unique violation when it has one.
    pub async fn insert_totp(&mut self, new: &StoredTotp) -> Result<(), StoreError> {
        let row = Model {
            account_id: new.account_id.to_string(),
            sealed_secret: new.sealed_secret.clone(),
            created_at: new.created_at.as_micros(),
            last_step: new.last_step.cast_signed(),
            failures: new.failures.cast_signed(),
            guesses_due: new.guesses_due_micros,
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// Forgets an account's authenticator app. Says whether it had one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_totp(&mut self, id: AccountId) -> Result<bool, StoreError> {
        Ok(Entity::delete_by_id(id.to_string()).exec(&self.tx).await?.rows_affected == 1)
    }

    /// Uses the code of an interval up, and with it those of all earlier ones. Says whether that is news: where it isn't,
    /// the code was used before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_totp_step(&mut self, id: AccountId, step: u64) -> Result<bool, StoreError> {
        let used = Entity::update_many()
            .col_expr(Column::LastStep, Expr::value(step.cast_signed()))
            .filter(Column::AccountId.eq(id.to_string()))
            .filter(Column::LastStep.lt(step.cast_signed()))
            .exec(&self.tx)
            .await?;
        Ok(used.rows_affected == 1)
    }

    /// Remembers how many guesses went wrong, and the moment of their rate.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_totp_guesses(
        &mut self,
        id: AccountId,
        failures: u64,
        due_micros: i64,
    ) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Failures, Expr::value(failures.cast_signed()))
            .col_expr(Column::GuessesDue, Expr::value(due_micros))
            .filter(Column::AccountId.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(())
    }

    /// Keeps a secret sealed anew. Says whether there is such an app.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal_totp(&mut self, id: AccountId, sealed: &[u8]) -> Result<bool, StoreError> {
        let resealed = Entity::update_many()
            .col_expr(Column::SealedSecret, Expr::value(sealed.to_vec()))
            .filter(Column::AccountId.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(resealed.rows_affected == 1)
    }
}
