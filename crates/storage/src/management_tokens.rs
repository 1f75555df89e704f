//! Management tokens.

use domain::link::{Change, ManagementTokenRecord};
use domain::{KeyState, ManagementToken, ManagementTokenId, Timestamp, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};

use crate::entities::management_token::{Column, Entity, Model};
use crate::page::{self, ByAge};
use crate::rows::{self, At, time};
use crate::{ChangeTx, Page, PageRequest, Store, StoreError};

fn from_row(row: Model) -> Result<ManagementToken, StoreError> {
    let at = At { table: "management_tokens", row: &row.id };
    Ok(ManagementToken {
        id: at.need("id", ManagementTokenId::parse(&row.id))?,
        hash: at.need("hash", rows::hash(&row.hash))?,
        workspace_id: at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?,
        permissions: at.need("permissions", rows::permissions(&row.permissions))?,
        created_at: time(row.created_at),
        last_used_at: row.last_used_at.map(time),
        state: row.revoked_at.map_or(KeyState::Active, |micros| KeyState::Revoked { at: time(micros) }),
        name: row.name,
        hint: row.hint,
    })
}

/// What verifiers know of a token.
fn record(token: &ManagementToken) -> ManagementTokenRecord {
    ManagementTokenRecord {
        id: token.id,
        hash: token.hash,
        workspace_id: token.workspace_id,
        permissions: token.permissions,
        revoked_at: token.state.revoked_at(),
    }
}

pub(crate) fn record_from_row(row: Model) -> Result<ManagementTokenRecord, StoreError> {
    Ok(record(&from_row(row)?))
}

async fn find(
    connection: &impl ConnectionTrait,
    workspace_id: WorkspaceId,
    id: ManagementTokenId,
) -> Result<Option<ManagementToken>, StoreError> {
    let found = Entity::find_by_id(id.to_string()).filter(Column::WorkspaceId.eq(workspace_id.to_string()));
    found.one(connection).await?.map(from_row).transpose()
}

impl Store {
    /// The management tokens of a workspace, revoked ones included, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_management_tokens(
        &self,
        workspace_id: WorkspaceId,
    ) -> Result<Vec<ManagementToken>, StoreError> {
        let rows = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// A page of the management tokens of a workspace that are not revoked, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_management_tokens(
        &self,
        workspace_id: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<ManagementToken>, StoreError> {
        let query = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::RevokedAt.is_null());
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow(query, page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), from_row)
    }

    /// A management token of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_management_token(
        &self,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
    ) -> Result<Option<ManagementToken>, StoreError> {
        find(self.db.read(), workspace_id, id).await
    }

    /// Writes when tokens were last used, all in one transaction. A time never goes back; unknown tokens are passed
    /// over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_tokens_last_used(
        &self,
        used: &[(ManagementTokenId, Timestamp)],
    ) -> Result<(), StoreError> {
        let tx = self.db.write().await?;
        for (id, at) in used {
            let earlier =
                Condition::any().add(Column::LastUsedAt.is_null()).add(Column::LastUsedAt.lt(at.as_micros()));
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::value(at.as_micros()))
                .filter(Column::Id.eq(id.to_string()))
                .filter(earlier)
                .exec(&tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

impl ChangeTx {
    /// A management token of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_management_token(
        &self,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
    ) -> Result<Option<ManagementToken>, StoreError> {
        find(&self.tx, workspace_id, id).await
    }

    /// Keeps a new management token.
    ///
    /// # Errors
    /// A unique violation when a token with this secret or id exists.
    pub async fn insert_management_token(&mut self, token: &ManagementToken) -> Result<(), StoreError> {
        let row = Model {
            id: token.id.to_string(),
            hash: token.hash.as_bytes().to_vec(),
            workspace_id: token.workspace_id.to_string(),
            name: token.name.clone(),
            hint: token.hint.clone(),
            permissions: rows::join(token.permissions.iter()),
            created_at: token.created_at.as_micros(),
            last_used_at: token.last_used_at.map(Timestamp::as_micros),
            revoked_at: token.state.revoked_at().map(Timestamp::as_micros),
            revision: self.revision_column(),
        };
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::ManagementToken(record(token)));
        Ok(())
    }

    /// Revokes a management token. Says whether there was such a token that was not revoked before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_management_token(
        &mut self,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(mut token) = self.find_management_token(workspace_id, id).await? else {
            return Ok(false);
        };
        let Ok(revoked) = token.state.revoke(at) else {
            return Ok(false);
        };
        token.state = revoked;
        Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(at.as_micros()))
            .col_expr(Column::Revision, Expr::value(self.revision_column()))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        self.note(Change::ManagementToken(record(&token)));
        Ok(true)
    }
}
