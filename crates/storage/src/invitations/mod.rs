//! Invitations into workspaces. One that was accepted or withdrawn has ended and looks absent; its row stays for a while, so
//! that whoever sends many is noticed.

pub(crate) mod entity;

use domain::{AccountId, Invitation, InvitationId, Role, SecretHash, Timestamp, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use self::entity::{Column, Entity, Model};
use crate::accounts::email_key;
use crate::page::{self, ByAge};
use crate::rows::{At, time};
use crate::{ChangeTx, Page, PageRequest, Store, StoreError};

/// Rows that are forgotten at once: writers wait meanwhile.
const ROWS_MAX: u64 = 1000;

fn from_row(row: Model) -> Result<Invitation, StoreError> {
    let at = At { table: "invitations", row: &row.id };
    Ok(Invitation {
        id: at.need("id", InvitationId::parse(&row.id))?,
        workspace_id: at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?,
        role: at.need("role", Role::from_name(&row.role))?,
        invited_by: at.maybe("invited_by", row.invited_by.as_deref(), AccountId::parse)?,
        created_at: time(row.created_at),
        sent_at: time(row.sent_at),
        expires_at: time(row.expires_at),
        email: row.email,
    })
}

/// Those of a workspace that have not ended; some may have expired.
fn waiting(workspace_id: WorkspaceId) -> Select<Entity> {
    Entity::find().filter(Column::WorkspaceId.eq(workspace_id.to_string())).filter(Column::EndedAt.is_null())
}

async fn find_open(
    connection: &impl ConnectionTrait,
    hash: SecretHash,
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    let found = Entity::find()
        .filter(Column::Hash.eq(hash.as_bytes().to_vec()))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.as_micros()));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The invitation with this secret that can be accepted at this moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_open_invitation(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        find_open(self.db.read(), hash, now).await
    }

    /// A page of a workspace's invitations that were neither accepted nor withdrawn, oldest first; some may have expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_invitations(
        &self,
        workspace_id: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow(waiting(workspace_id), page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), from_row)
    }

    /// Forgets invitations that have expired before a moment, some at a time. Tells the addresses to which no other one is
    /// left; more may follow at the next call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_invitations(&self, before: Timestamp) -> Result<Vec<String>, StoreError> {
        let tx = self.db.write().await?;
        let old = Entity::find()
            .filter(Column::ExpiresAt.lt(before.as_micros()))
            .order_by_asc(Column::ExpiresAt)
            .limit(ROWS_MAX)
            .all(&tx)
            .await?;
        let ids = old.iter().map(|row| row.id.as_str());
        Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&tx).await?;
        let mut forgotten = Vec::new();
        for row in old {
            let others = Entity::find().filter(Column::EmailKey.eq(row.email_key)).count(&tx).await?;
            if others == 0 {
                forgotten.push(row.email);
            }
        }
        tx.commit().await?;
        Ok(forgotten)
    }
}

impl ChangeTx {
    /// Keeps a new invitation, whose secret has this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_invitation(&mut self, new: &Invitation, hash: SecretHash) -> Result<(), StoreError> {
        let row = Model {
            id: new.id.to_string(),
            hash: hash.as_bytes().to_vec(),
            workspace_id: new.workspace_id.to_string(),
            email: new.email.clone(),
            email_key: email_key(&new.email),
            role: new.role.as_str().to_owned(),
            invited_by: new.invited_by.map(|id| id.to_string()),
            created_at: new.created_at.as_micros(),
            sent_at: new.sent_at.as_micros(),
            expires_at: new.expires_at.as_micros(),
            ended_at: None,
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// The invitation with this secret that can be accepted at this moment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_open_invitation(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError> {
        find_open(&self.tx, hash, now).await
    }

    /// An invitation of a workspace that has not ended; it may have expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_invitation(
        &self,
        workspace_id: WorkspaceId,
        id: InvitationId,
    ) -> Result<Option<Invitation>, StoreError> {
        let found = waiting(workspace_id).filter(Column::Id.eq(id.to_string())).one(&self.tx).await?;
        found.map(from_row).transpose()
    }

    /// The invitation of a workspace to this address, in whatever letter case, that has not ended; it may have expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_invitation_to(
        &self,
        workspace_id: WorkspaceId,
        email: &str,
    ) -> Result<Option<Invitation>, StoreError> {
        let found = waiting(workspace_id).filter(Column::EmailKey.eq(email_key(email))).one(&self.tx).await?;
        found.map(from_row).transpose()
    }

    /// How many invitations were made in a workspace since a moment, whatever became of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_invitations(
        &self,
        workspace_id: WorkspaceId,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        let made = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::CreatedAt.gte(since.as_micros()));
        Ok(made.count(&self.tx).await?)
    }

    /// Gives an invitation that has not ended another secret and more time. Says whether there is such an invitation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renew_invitation(
        &mut self,
        renewed: &Invitation,
        hash: SecretHash,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::Hash, Expr::value(hash.as_bytes().to_vec()))
            .col_expr(Column::SentAt, Expr::value(renewed.sent_at.as_micros()))
            .col_expr(Column::ExpiresAt, Expr::value(renewed.expires_at.as_micros()))
            .filter(Column::WorkspaceId.eq(renewed.workspace_id.to_string()))
            .filter(Column::Id.eq(renewed.id.to_string()))
            .filter(Column::EndedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Ends an invitation: accepted, or withdrawn. Says whether there was one that had not ended before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_invitation(
        &mut self,
        workspace_id: WorkspaceId,
        id: InvitationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let updated = Entity::update_many()
            .col_expr(Column::EndedAt, Expr::value(at.as_micros()))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::EndedAt.is_null())
            .exec(&self.tx)
            .await?;
        Ok(updated.rows_affected == 1)
    }

    /// Lets every invitation expire that can still be accepted: after a restore nobody knows which were accepted or withdrawn
    /// since. Whoever is still wanted is sent another link.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_invitations(&mut self, at: Timestamp) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::ExpiresAt, Expr::value(at.as_micros()))
            .filter(Column::EndedAt.is_null())
            .filter(Column::ExpiresAt.gt(at.as_micros()))
            .exec(&self.tx)
            .await?;
        Ok(())
    }

    /// Deletes all invitations to an address, because whoever owns it is forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_invitations_to(&mut self, email: &str) -> Result<(), StoreError> {
        Entity::delete_many().filter(Column::EmailKey.eq(email_key(email))).exec(&self.tx).await?;
        Ok(())
    }
}
