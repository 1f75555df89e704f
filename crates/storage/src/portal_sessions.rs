//! Who is signed in at the portal. Gateways know nothing of it, and backups hold none of it: after a restore everybody
//! signs in again.

use domain::{
    AccountId, PortalSession, PortalSessionId, PortalSessionState, SecretHash, SignInMethod, Timestamp,
    WorkspaceId,
};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::entities::portal_session::{Column, Entity, Model};
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

fn from_row(row: Model) -> Result<PortalSession, StoreError> {
    let at = At { table: "portal_sessions", row: &row.id };
    Ok(PortalSession {
        id: at.need("id", PortalSessionId::parse(&row.id))?,
        account_id: at.need("account_id", AccountId::parse(&row.account_id))?,
        state: at.need("state", PortalSessionState::from_name(&row.state))?,
        method: at.need("method", SignInMethod::from_name(&row.method))?,
        workspace_id: at.maybe("workspace_id", row.workspace_id.as_deref(), WorkspaceId::parse)?,
        created_at: time(row.created_at),
        seen_at: time(row.seen_at),
        confirmed_at: time(row.confirmed_at),
        expires_at: time(row.expires_at),
        from: at.maybe("peer", row.peer.as_deref(), |text| text.parse().ok())?,
        browser: row.browser,
    })
}

async fn find(
    connection: &impl ConnectionTrait,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<PortalSession>, StoreError> {
    let found = Entity::find()
        .filter(Column::Hash.eq(hash.as_bytes().to_vec()))
        .filter(Column::ExpiresAt.gt(now.as_micros()));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The session that this secret opens, unless it has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_portal_session(
        &self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<PortalSession>, StoreError> {
        find(self.db.read(), hash, now).await
    }

    /// The open sessions of an account, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_portal_sessions(
        &self,
        account_id: AccountId,
        now: Timestamp,
    ) -> Result<Vec<PortalSession>, StoreError> {
        let rows = Entity::find()
            .filter(Column::AccountId.eq(account_id.to_string()))
            .filter(Column::State.eq(PortalSessionState::Open.as_str()))
            .filter(Column::ExpiresAt.gt(now.as_micros()))
            .order_by_desc(Column::Id)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Remembers that a session was used, and until when it lives if it is used no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_portal_session(
        &self,
        id: PortalSessionId,
        seen_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_in_portal_session(id, Column::SeenAt, Expr::value(seen_at.as_micros())).await
    }

    /// Remembers which workspace a session looks at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_portal_session_workspace(
        &self,
        id: PortalSessionId,
        workspace_id: WorkspaceId,
    ) -> Result<(), StoreError> {
        self.set_in_portal_session(id, Column::WorkspaceId, Expr::value(workspace_id.to_string())).await
    }

    async fn set_in_portal_session(
        &self,
        id: PortalSessionId,
        column: Column,
        value: sea_orm::sea_query::SimpleExpr,
    ) -> Result<(), StoreError> {
        let tx = self.db.write().await?;
        Entity::update_many().col_expr(column, value).filter(Column::Id.eq(id.to_string())).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets the sessions that have expired. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired_portal_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let tx = self.db.write().await?;
        let deleted = Entity::delete_many().filter(Column::ExpiresAt.lte(now.as_micros())).exec(&tx).await?;
        tx.commit().await?;
        Ok(deleted.rows_affected)
    }
}

impl ChangeTx {
    /// Keeps a new session, opened by the secret with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_portal_session(
        &mut self,
        session: &PortalSession,
        hash: &SecretHash,
    ) -> Result<(), StoreError> {
        let row = Model {
            id: session.id.to_string(),
            hash: hash.as_bytes().to_vec(),
            account_id: session.account_id.to_string(),
            state: session.state.as_str().to_owned(),
            method: session.method.as_str().to_owned(),
            workspace_id: session.workspace_id.map(|id| id.to_string()),
            created_at: session.created_at.as_micros(),
            seen_at: session.seen_at.as_micros(),
            confirmed_at: session.confirmed_at.as_micros(),
            expires_at: session.expires_at.as_micros(),
            peer: session.from.map(|address| address.to_string()),
            browser: session.browser.clone(),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }

    /// The session that this secret opens, unless it has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_portal_session(
        &mut self,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<PortalSession>, StoreError> {
        find(&self.tx, hash, now).await
    }

    /// Ends one session of an account. Says whether it was there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_portal_session(
        &mut self,
        account_id: AccountId,
        id: PortalSessionId,
    ) -> Result<bool, StoreError> {
        let deleted = Entity::delete_many()
            .filter(Column::AccountId.eq(account_id.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(deleted.rows_affected == 1)
    }

    /// Ends all sessions of an account but one, if one is to stay. Tells how many it ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_portal_sessions(
        &mut self,
        account_id: AccountId,
        kept: Option<PortalSessionId>,
    ) -> Result<u64, StoreError> {
        let mut delete = Entity::delete_many().filter(Column::AccountId.eq(account_id.to_string()));
        if let Some(kept) = kept {
            delete = delete.filter(Column::Id.ne(kept.to_string()));
        }
        Ok(delete.exec(&self.tx).await?.rows_affected)
    }
}
