//! Passkeys: public keys, and how often each was used.

use domain::{AccountId, Passkey, PasskeyId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::entity::passkey::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// A passkey with what verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// The id that its authenticator gave it, in base64url.
    pub credential_id: String,
    /// Its public key and counter, as JSON.
    pub credential: String,
    /// How often it was used here: two uses at once see the same number, and one of them is refused.
    pub uses: u64,
}

fn from_row(row: Model) -> Result<StoredPasskey, StoreError> {
    let at = At { table: "passkeys", row: &row.id };
    let passkey = Passkey {
        id: at.need("id", PasskeyId::parse(&row.id))?,
        account_id: at.need("account_id", AccountId::parse(&row.account_id))?,
        name: row.name.clone(),
        created_at: time(row.created_at),
        last_used_at: row.last_used_at.map(time),
    };
    let uses = at.need("uses", row.uses.try_into().ok())?;
    Ok(StoredPasskey { passkey, credential_id: row.credential_id, credential: row.credential, uses })
}

async fn list(connection: &impl ConnectionTrait, id: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
    let rows = Entity::find()
        .filter(Column::AccountId.eq(id.to_string()))
        .order_by_asc(Column::Id)
        .all(connection)
        .await?;
    rows.into_iter().map(from_row).collect()
}

impl Store {
    /// The passkeys of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_passkeys(&self, id: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
        list(self.db.read(), id).await
    }

    /// The passkey of an account that its authenticator knows by this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_passkey(
        &self,
        account_id: AccountId,
        credential_id: &str,
    ) -> Result<Option<StoredPasskey>, StoreError> {
        let found = Entity::find()
            .filter(Column::AccountId.eq(account_id.to_string()))
            .filter(Column::CredentialId.eq(credential_id));
        found.one(self.db.read()).await?.map(from_row).transpose()
    }
}

impl ChangeTx {
    /// The passkeys of an account, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_passkeys(&self, id: AccountId) -> Result<Vec<StoredPasskey>, StoreError> {
        list(&self.tx, id).await
    }

    /// Whether anybody has the passkey that its authenticator knows by this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_credential(&self, credential_id: &str) -> Result<bool, StoreError> {
        let found = Entity::find().filter(Column::CredentialId.eq(credential_id));
        Ok(found.one(&self.tx).await?.is_some())
    }

    /// Keeps a new passkey.
    ///
    /// # Errors
    /// A unique violation when somebody has it.
    pub async fn insert_passkey(&mut self, new: &StoredPasskey) -> Result<(), StoreError> {
        let row = Model {
            id: new.passkey.id.to_string(),
            account_id: new.passkey.account_id.to_string(),
            credential_id: new.credential_id.clone(),
            credential: new.credential.clone(),
            name: new.passkey.name.clone(),
            uses: new.uses.cast_signed(),
            created_at: new.passkey.created_at.as_micros(),
            last_used_at: new.passkey.last_used_at.map(Timestamp::as_micros),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// Remembers a use of a passkey as it was read before. Says whether nobody has used or removed it since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_passkey(
        &mut self,
        read: &StoredPasskey,
        credential: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let used = Entity::update_many()
            .col_expr(Column::Credential, Expr::value(credential))
            .col_expr(Column::Uses, Expr::value((read.uses + 1).cast_signed()))
            .col_expr(Column::LastUsedAt, Expr::value(at.as_micros()))
            .filter(Column::Id.eq(read.passkey.id.to_string()))
            .filter(Column::AccountId.eq(read.passkey.account_id.to_string()))
            .filter(Column::Uses.eq(read.uses.cast_signed()))
            .exec(&self.tx)
            .await?;
        Ok(used.rows_affected == 1)
    }

    /// Gives a passkey of an account another name. Says whether there is such a passkey.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rename_passkey(
        &mut self,
        account_id: AccountId,
        id: PasskeyId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let renamed = Entity::update_many()
            .col_expr(Column::Name, Expr::value(name))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::AccountId.eq(account_id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(renamed.rows_affected == 1)
    }

    /// Forgets a passkey of an account. Says whether there was such a passkey.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_passkey(&mut self, account_id: AccountId, id: PasskeyId) -> Result<bool, StoreError> {
        let deleted = Entity::delete_many()
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::AccountId.eq(account_id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(deleted.rows_affected == 1)
    }
}
