//! What an account signs in with beside its password. Gateways know nothing of it.

pub(crate) mod entity;
mod identities;
mod passkeys;
mod recovery_codes;
mod tickets;
mod totp;

use domain::{AccountId, SecondFactors};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::entities::account;
use crate::{ChangeTx, Store, StoreError};

pub use passkeys::StoredPasskey;
pub use totp::StoredTotp;

async fn summary(connection: &impl ConnectionTrait, id: AccountId) -> Result<SecondFactors, StoreError> {
    let id = id.to_string();
    let passkeys = entity::passkey::Entity::find().filter(entity::passkey::Column::AccountId.eq(&id));
    let codes = entity::recovery_code::Entity::find()
        .filter(entity::recovery_code::Column::AccountId.eq(&id))
        .filter(entity::recovery_code::Column::UsedAt.is_null());
    Ok(SecondFactors {
        has_totp: entity::totp::Entity::find_by_id(&id).one(connection).await?.is_some(),
        passkeys: passkeys.count(connection).await?,
        recovery_codes: codes.count(connection).await?,
    })
}

impl Store {
    /// What an account has set up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn second_factors(&self, id: AccountId) -> Result<SecondFactors, StoreError> {
        summary(self.db.read(), id).await
    }
}

impl ChangeTx {
    /// What an account has set up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn second_factors(&self, id: AccountId) -> Result<SecondFactors, StoreError> {
        summary(&self.tx, id).await
    }

    /// Whether an account has a password: one that came by another provider may have none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_password(&self, id: AccountId) -> Result<bool, StoreError> {
        let found = account::Entity::find_by_id(id.to_string()).one(&self.tx).await?;
        Ok(found.is_some_and(|row| !row.password_hash.is_empty()))
    }

    /// Forgets everything that an account signs in with beside its password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_factors(&mut self, id: AccountId) -> Result<(), StoreError> {
        let id = id.to_string();
        let tx = &self.tx;
        entity::totp::Entity::delete_by_id(&id).exec(tx).await?;
        let codes = entity::recovery_code::Column::AccountId.eq(&id);
        entity::recovery_code::Entity::delete_many().filter(codes).exec(tx).await?;
        let passkeys = entity::passkey::Column::AccountId.eq(&id);
        entity::passkey::Entity::delete_many().filter(passkeys).exec(tx).await?;
        let identities = entity::identity::Column::AccountId.eq(&id);
        entity::identity::Entity::delete_many().filter(identities).exec(tx).await?;
        Ok(())
    }

    /// Forgets the factors of accounts that there aren't: a restore may have taken over some of an account that was made
    /// after its backup.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_factors_of_nobody(&mut self) -> Result<(), StoreError> {
        let accounts = || Query::select().column(account::Column::Id).from(account::Entity).to_owned();
        let tx = &self.tx;
        let totp = entity::totp::Column::AccountId.not_in_subquery(accounts());
        entity::totp::Entity::delete_many().filter(totp).exec(tx).await?;
        let codes = entity::recovery_code::Column::AccountId.not_in_subquery(accounts());
        entity::recovery_code::Entity::delete_many().filter(codes).exec(tx).await?;
        let passkeys = entity::passkey::Column::AccountId.not_in_subquery(accounts());
        entity::passkey::Entity::delete_many().filter(passkeys).exec(tx).await?;
        Ok(())
    }
}
