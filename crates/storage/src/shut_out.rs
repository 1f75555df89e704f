//! What was shut out though nothing is stored of it when it is made: temporary keys and client_refs.

use domain::link::{Change, Revision};
use domain::{ApiKey, ClientRef, ProjectId, TemporaryKeyId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};

use crate::entities::{client_ref, revoked_temporary_key};
use crate::rows::{revision, revision_column};
use crate::{ChangeTx, Store, StoreError};

/// What was done to a client_ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRefState {
    /// The revision that last shut it out: temporary keys from before it stay dead.
    pub revoked_at: Revision,
    /// Whether it was let in again since.
    pub readmitted: bool,
}

impl Store {
    /// Forgets revocations of temporary keys that have expired by now, and client_refs that were let in again where all that was minted
    /// before has. Verifiers forget them by themselves.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let tx = self.db.write().await?;
        let deleted = revoked_temporary_key::Entity::delete_many()
            .filter(revoked_temporary_key::Column::ForgetAt.lte(now.as_micros()))
            .exec(&tx)
            .await?;
        let let_in = client_ref::Entity::delete_many()
            .filter(client_ref::Column::ForgetAt.lte(now.as_micros()))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected + let_in.rows_affected)
    }
}

impl ChangeTx {
    /// How many temporary keys of a project are revoked and may not have expired by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_revoked_temporary_keys(
        &self,
        project_id: ProjectId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let revoked = revoked_temporary_key::Entity::find()
            .filter(revoked_temporary_key::Column::ProjectId.eq(project_id.get()))
            .filter(revoked_temporary_key::Column::ForgetAt.gt(now.as_micros()));
        Ok(revoked.count(&self.tx).await?)
    }

    /// How many client_refs of a project are shut out. Those that were let in again count too until all that was minted before has
    /// expired, since it stays dead.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_client_refs(&self, project_id: ProjectId) -> Result<u64, StoreError> {
        let known = client_ref::Entity::find().filter(client_ref::Column::ProjectId.eq(project_id.get()));
        Ok(known.count(&self.tx).await?)
    }

    /// Revokes a temporary key of `parent`, which the caller found among its own. Says whether that is news: a key of
    /// another parent is none, and a second revocation changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_temporary_key(
        &mut self,
        parent: &ApiKey,
        id: TemporaryKeyId,
        at: Timestamp,
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        if id.parent() != parent.id {
            return Ok(false);
        }
        if revoked_temporary_key::Entity::find_by_id(id.to_string()).one(&self.tx).await?.is_some() {
            return Ok(false);
        }
        let row = revoked_temporary_key::Model {
            id: id.to_string(),
            project_id: parent.project_id.get(),
            forget_at: forget_at.as_micros(),
            revoked_at: at.as_micros(),
            revision: self.revision_column(),
        };
        revoked_temporary_key::Entity::insert(row.into_active_model())
            .exec_without_returning(&self.tx)
            .await?;
        self.note(Change::TemporaryKeyRevoked { id, forget_at });
        Ok(true)
    }

    /// What was done to a client_ref of a project; `None` if nothing ever was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_client_ref(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<Option<ClientRefState>, StoreError> {
        let key = (project_id.get(), client_ref.as_str().to_owned());
        let row = client_ref::Entity::find_by_id(key).one(&self.tx).await?;
        Ok(row.map(|row| ClientRefState {
            revoked_at: revision(row.revoked_revision),
            readmitted: row.readmitted_at.is_some(),
        }))
    }

    /// Shuts a client_ref out, from this change's revision on; shutting it out again moves that revision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_client_ref(
        &mut self,
        project_id: ProjectId,
        client_ref: &ClientRef,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        client_ref::Entity::delete_by_id((project_id.get(), client_ref.as_str().to_owned()))
            .exec(&self.tx)
            .await?;
        let row = client_ref::Model {
            project_id: project_id.get(),
            client_ref: client_ref.as_str().to_owned(),
            revoked_at: at.as_micros(),
            revoked_revision: self.revision_column(),
            readmitted_at: None,
            forget_at: None,
            revision: self.revision_column(),
        };
        client_ref::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::ClientRefRevoked { project_id, client_ref: client_ref.clone() });
        Ok(())
    }

    /// Lets a client_ref in again; what was minted before has expired by `forget_at`. Says whether it was shut out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn readmit_client_ref(
        &mut self,
        project_id: ProjectId,
        client_ref: &ClientRef,
        at: Timestamp,
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked_at = match self.find_client_ref(project_id, client_ref).await? {
            Some(state) if !state.readmitted => state.revoked_at,
            Some(_) | None => return Ok(false),
        };
        client_ref::Entity::update_many()
            .col_expr(client_ref::Column::ReadmittedAt, Expr::value(at.as_micros()))
            .col_expr(client_ref::Column::ForgetAt, Expr::value(forget_at.as_micros()))
            .col_expr(client_ref::Column::Revision, Expr::value(revision_column(self.revision())))
            .filter(client_ref::Column::ProjectId.eq(project_id.get()))
            .filter(client_ref::Column::ClientRef.eq(client_ref.as_str()))
            .exec(&self.tx)
            .await?;
        let (client_ref, forget_at) = (client_ref.clone(), Some(forget_at));
        self.note(Change::ClientRefReadmitted { project_id, client_ref, revoked_at, forget_at });
        Ok(true)
    }
}
