//! Signing keys; their private halves are sealed before they come here.

use domain::link::Change;
use domain::{Algorithm, Kid, SigningKeyState, Timestamp, VerifyingKey};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::entities::signing_key::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// A signing key at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Its public half.
    pub verifying_key: VerifyingKey,
    /// Its private half, sealed under the master key; empty once it was revoked.
    pub sealed_private_key: Vec<u8>,
    /// Where it stands in its life.
    pub state: SigningKeyState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for StoredSigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSigningKey")
            .field("kid", &self.verifying_key.kid)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

pub(crate) fn from_row(row: Model) -> Result<StoredSigningKey, StoreError> {
    let at = At { table: "signing_keys", row: &row.kid };
    let algorithm = at.need("algorithm", Algorithm::from_name(&row.algorithm))?;
    let state = at.need("state", SigningKeyState::from_name(&row.state))?;
    Ok(StoredSigningKey {
        verifying_key: VerifyingKey {
            kid: Kid::new(&row.kid),
            algorithm,
            public_key: row.public_key,
            retired_at: row.retired_at.map(time),
        },
        sealed_private_key: row.sealed_private_key,
        state,
        created_at: time(row.created_at),
    })
}

async fn list(connection: &impl ConnectionTrait) -> Result<Vec<StoredSigningKey>, StoreError> {
    let rows =
        Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).all(connection).await?;
    rows.into_iter().map(from_row).collect()
}

impl Store {
    /// All signing keys, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        list(self.db.read()).await
    }
}

impl ChangeTx {
    /// All signing keys, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        list(&self.tx).await
    }

    /// Keeps a new signing key.
    ///
    /// # Errors
    /// A unique violation when it exists.
    pub async fn insert_signing_key(&mut self, key: &StoredSigningKey) -> Result<(), StoreError> {
        let row = Model {
            kid: key.verifying_key.kid.as_str().to_owned(),
            algorithm: key.verifying_key.algorithm.as_str().to_owned(),
            public_key: key.verifying_key.public_key.clone(),
            sealed_private_key: key.sealed_private_key.clone(),
            state: key.state.as_str().to_owned(),
            created_at: key.created_at.as_micros(),
            retired_at: key.verifying_key.retired_at.map(Timestamp::as_micros),
            revision: self.revision_column(),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::SigningKey(key.verifying_key.clone()));
        Ok(())
    }

    /// Moves a signing key on in its life; `retired_at` says from when on nothing that it signed is valid.
    /// Says whether there is such a key that was not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_signing_key_state(
        &mut self,
        kid: &Kid,
        state: SigningKeyState,
        retired_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let Some(row) = Entity::find_by_id(kid.as_str()).one(&self.tx).await? else {
            return Ok(false);
        };
        let key = from_row(row)?;
        if key.state == SigningKeyState::Revoked {
            return Ok(false);
        }
        Entity::update_many()
            .col_expr(Column::State, Expr::value(state.as_str()))
            .col_expr(Column::RetiredAt, Expr::value(retired_at.map(Timestamp::as_micros)))
            .col_expr(Column::Revision, Expr::value(self.revision_column()))
            .filter(Column::Kid.eq(kid.as_str()))
            .exec(&self.tx)
            .await?;
        self.note(Change::SigningKey(VerifyingKey { retired_at, ..key.verifying_key }));
        Ok(true)
    }

    /// Revokes a signing key: its private half is forgotten, and it stays on record so that nothing brings it back.
    /// Says whether there was such a key that was not revoked before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_signing_key(&mut self, kid: &Kid, at: Timestamp) -> Result<bool, StoreError> {
        let revoked = Entity::update_many()
            .col_expr(Column::State, Expr::value(SigningKeyState::Revoked.as_str()))
            .col_expr(Column::SealedPrivateKey, Expr::value(Vec::<u8>::new()))
            .col_expr(Column::RetiredAt, Expr::value(at.as_micros()))
            .col_expr(Column::Revision, Expr::value(self.revision_column()))
            .filter(Column::Kid.eq(kid.as_str()))
            .filter(Column::State.ne(SigningKeyState::Revoked.as_str()))
            .exec(&self.tx)
            .await?;
        if revoked.rows_affected == 1 {
            self.note(Change::SigningKeyRevoked { kid: kid.clone() });
        }
        Ok(revoked.rows_affected == 1)
    }

    /// Keeps a signing key's private half sealed anew. Says whether there is such a key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal_signing_key(&mut self, kid: &Kid, sealed: &[u8]) -> Result<bool, StoreError> {
        let resealed = Entity::update_many()
            .col_expr(Column::SealedPrivateKey, Expr::value(sealed.to_vec()))
            .filter(Column::Kid.eq(kid.as_str()))
            .exec(&self.tx)
            .await?;
        Ok(resealed.rows_affected == 1)
    }

    /// Forgets a signing key whose last temporary key has expired. Says whether there was such a key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_signing_key(&mut self, kid: &Kid) -> Result<bool, StoreError> {
        let deleted = Entity::delete_by_id(kid.as_str()).exec(&self.tx).await?;
        if deleted.rows_affected == 1 {
            self.note(Change::SigningKeyRemoved { kid: kid.clone() });
        }
        Ok(deleted.rows_affected == 1)
    }
}
