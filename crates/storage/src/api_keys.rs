//! API keys. Those of a deleted project look absent.

use domain::link::{Change, KeyRecord};
use domain::{
    AccountId, ApiKey, ApiKeyId, ClientRef, KeyState, ProjectId, SecretHash, Timestamp, WorkspaceId,
};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select,
};

use crate::entities::api_key::{Column, Entity, Model};
use crate::entities::project;
use crate::page::{self, ByAge};
use crate::rows::{self, At, time};
use crate::{ChangeTx, Page, PageRequest, Store, StoreError};

pub(crate) const TABLE: &str = "api_keys";
/// Hashes in one question. PostgreSQL takes 65,535 values in a statement, SQLite 32,766.
const HASHES_PER_QUERY_MAX: usize = 2_000;
/// Keys in one statement, of 19 values each.
const KEYS_PER_INSERT_MAX: usize = 500;

pub(crate) fn from_row(row: Model) -> Result<ApiKey, StoreError> {
    let at = At { table: TABLE, row: &row.id };
    Ok(ApiKey {
        id: at.need("id", ApiKeyId::parse(&row.id))?,
        hash: at.need("hash", rows::hash(&row.hash))?,
        project_id: ProjectId::new(row.project_id),
        workspace_id: at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?,
        created_by: at.maybe("created_by", row.created_by.as_deref(), AccountId::parse)?,
        created_at: time(row.created_at),
        expires_at: row.expires_at.map(time),
        last_used_at: row.last_used_at.map(time),
        temporary_keys_last_used_at: row.temporary_keys_last_used_at.map(time),
        imported_at: row.imported_at.map(time),
        areas: at.need("areas", rows::areas(&row.areas))?,
        products: at.need("products", rows::products(&row.products))?,
        networks: at.need("networks", rows::networks(&row.networks))?,
        client_ref: at.maybe("client_ref", row.client_ref.as_deref(), |text| ClientRef::new(text).ok())?,
        rotated_from: at.maybe("rotated_from", row.rotated_from.as_deref(), ApiKeyId::parse)?,
        state: row.revoked_at.map_or(KeyState::Active, |micros| KeyState::Revoked { at: time(micros) }),
        name: row.name,
        hint: row.hint,
    })
}

fn to_row(key: &ApiKey, revision: i64) -> Model {
    Model {
        id: key.id.to_string(),
        hash: key.hash.as_bytes().to_vec(),
        project_id: key.project_id.get(),
        workspace_id: key.workspace_id.to_string(),
        name: key.name.clone(),
        hint: key.hint.clone(),
        created_by: key.created_by.map(|id| id.to_string()),
        created_at: key.created_at.as_micros(),
        expires_at: key.expires_at.map(Timestamp::as_micros),
        last_used_at: key.last_used_at.map(Timestamp::as_micros),
        areas: rows::join(key.areas.iter()),
        products: rows::join(key.products.iter()),
        networks: rows::join(key.networks.0.iter()),
        client_ref: key.client_ref.as_ref().map(|client_ref| client_ref.as_str().to_owned()),
        rotated_from: key.rotated_from.map(|id| id.to_string()),
        revoked_at: key.state.revoked_at().map(Timestamp::as_micros),
        revision,
        imported_at: key.imported_at.map(Timestamp::as_micros),
        temporary_keys_last_used_at: key.temporary_keys_last_used_at.map(Timestamp::as_micros),
    }
}

/// What gateways know of a key.
fn record(key: &ApiKey) -> KeyRecord {
    KeyRecord {
        id: key.id,
        hash: key.hash,
        project_id: key.project_id,
        areas: key.areas,
        products: key.products,
        expires_at: key.expires_at,
        networks: key.networks.clone(),
        client_ref: key.client_ref.clone(),
        revoked_at: key.state.revoked_at(),
    }
}

/// The keys of a workspace whose projects are not deleted.
pub(crate) fn owned(workspace_id: WorkspaceId) -> Select<Entity> {
    let projects = Query::select()
        .column(project::Column::Id)
        .from(project::Entity)
        .and_where(project::Column::WorkspaceId.eq(workspace_id.to_string()))
        .and_where(project::Column::DeletedAt.is_null())
        .to_owned();
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
        .filter(Column::ProjectId.in_subquery(projects))
}

/// Whose secrets these are, of any workspace and whatever became of the keys: a secret belongs to one key for good.
async fn projects_of_hashes(
    connection: &impl ConnectionTrait,
    hashes: &[SecretHash],
) -> Result<Vec<(SecretHash, ProjectId)>, StoreError> {
    let mut found = Vec::new();
    for some in hashes.chunks(HASHES_PER_QUERY_MAX) {
        let rows: Vec<(Vec<u8>, i64)> = Entity::find()
            .select_only()
            .column(Column::Hash)
            .column(Column::ProjectId)
            .filter(Column::Hash.is_in(some.iter().map(|hash| hash.as_bytes().to_vec())))
            .into_tuple()
            .all(connection)
            .await?;
        for (hash, project_id) in rows {
            let at = At { table: TABLE, row: &"of a hash" };
            found.push((at.need("hash", rows::hash(&hash))?, ProjectId::new(project_id)));
        }
    }
    Ok(found)
}

async fn find(
    connection: &impl ConnectionTrait,
    workspace_id: WorkspaceId,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    let found = owned(workspace_id).filter(Column::Id.eq(id.to_string())).one(connection).await?;
    found.map(from_row).transpose()
}

impl Store {
    /// The API keys of a workspace, or of one of its projects; revoked ones included, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_api_keys(
        &self,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let mut query = owned(workspace_id);
        if let Some(project_id) = project_id {
            query = query.filter(Column::ProjectId.eq(project_id.get()));
        }
        let rows = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(self.db.read()).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// A page of the API keys of a workspace, or of one of its projects, that are not revoked; oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_api_keys(
        &self,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, StoreError> {
        let mut query = owned(workspace_id).filter(Column::RevokedAt.is_null());
        if let Some(project_id) = project_id {
            query = query.filter(Column::ProjectId.eq(project_id.get()));
        }
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow(query, page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), from_row)
    }

    /// An API key of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_api_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        find(self.db.read(), workspace_id, id).await
    }

    /// Writes when keys were last used, and when temporary keys of them were, all in one transaction. A time never goes
    /// back; unknown keys are passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_last_used(
        &self,
        keys: &[(ApiKeyId, Timestamp)],
        temporary_keys: &[(ApiKeyId, Timestamp)],
    ) -> Result<(), StoreError> {
        let tx = self.db.write().await?;
        for (column, used) in [(Column::LastUsedAt, keys), (Column::TemporaryKeysLastUsedAt, temporary_keys)]
        {
            for (id, at) in used {
                Entity::update_many()
                    .col_expr(column, Expr::value(at.as_micros()))
                    .filter(Column::Id.eq(id.to_string()))
                    .filter(Condition::any().add(column.is_null()).add(column.lt(at.as_micros())))
                    .exec(&tx)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whose secrets these are, of any workspace: for telling beforehand what an import would meet. Unknown ones are left
    /// out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects_of_hashes(
        &self,
        hashes: &[SecretHash],
    ) -> Result<Vec<(SecretHash, ProjectId)>, StoreError> {
        projects_of_hashes(self.db.read(), hashes).await
    }
}

impl ChangeTx {
    /// An API key of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_api_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        find(&self.tx, workspace_id, id).await
    }

    /// How many keys of a project are neither revoked nor expired, without imported ones.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_live_api_keys(
        &self,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let unexpired =
            Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now.as_micros()));
        let live = owned(workspace_id)
            .filter(Column::ProjectId.eq(project_id.get()))
            .filter(Column::ImportedAt.is_null())
            .filter(Column::RevokedAt.is_null())
            .filter(unexpired);
        Ok(live.count(&self.tx).await?)
    }

    /// Keeps a new API key.
    ///
    /// # Errors
    /// A unique violation when a key with this secret or id exists.
    pub async fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        let row = to_row(key, self.revision_column());
        Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::Key(record(key)));
        Ok(())
    }

    /// Keeps new API keys, many at once.
    ///
    /// # Errors
    /// A unique violation when a key with one of their secrets or ids exists.
    pub async fn insert_api_keys(&mut self, keys: &[ApiKey]) -> Result<(), StoreError> {
        for some in keys.chunks(KEYS_PER_INSERT_MAX) {
            let rows = some.iter().map(|key| to_row(key, self.revision_column()).into_active_model());
            Entity::insert_many(rows).exec_without_returning(&self.tx).await?;
        }
        keys.iter().for_each(|key| self.note(Change::Key(record(key))));
        Ok(())
    }

    /// Whose secrets these are, of any workspace. Unknown ones are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects_of_hashes(
        &self,
        hashes: &[SecretHash],
    ) -> Result<Vec<(SecretHash, ProjectId)>, StoreError> {
        projects_of_hashes(&self.tx, hashes).await
    }

    /// Keeps a key's name, expiry, areas, products and networks as they are in `key`; everything else stays. Says whether
    /// there is such a key of its workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_api_key(&mut self, key: &ApiKey) -> Result<bool, StoreError> {
        let Some(present) = self.find_api_key(key.workspace_id, key.id).await? else {
            return Ok(false);
        };
        let changed = ApiKey {
            name: key.name.clone(),
            expires_at: key.expires_at,
            areas: key.areas,
            products: key.products,
            networks: key.networks.clone(),
            ..present.clone()
        };
        let (told, before) = (record(&changed), record(&present));
        let mut update = Entity::update_many()
            .col_expr(Column::Name, Expr::value(changed.name.as_str()))
            .col_expr(Column::ExpiresAt, Expr::value(changed.expires_at.map(Timestamp::as_micros)))
            .col_expr(Column::Areas, Expr::value(rows::join(changed.areas.iter())))
            .col_expr(Column::Products, Expr::value(rows::join(changed.products.iter())))
            .col_expr(Column::Networks, Expr::value(rows::join(changed.networks.0.iter())));
        // A name is nothing that gateways know.
        if told != before {
            update = update.col_expr(Column::Revision, Expr::value(self.revision_column()));
            self.note(Change::Key(told));
        }
        update
            .filter(Column::WorkspaceId.eq(key.workspace_id.to_string()))
            .filter(Column::Id.eq(key.id.to_string()))
            .exec(&self.tx)
            .await?;
        Ok(true)
    }

    /// Revokes an API key. Says whether there was such a key that was not revoked before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_api_key(
        &mut self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(mut key) = self.find_api_key(workspace_id, id).await? else {
            return Ok(false);
        };
        let Ok(revoked) = key.state.revoke(at) else {
            return Ok(false);
        };
        key.state = revoked;
        Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(at.as_micros()))
            .col_expr(Column::Revision, Expr::value(self.revision_column()))
            .filter(Column::WorkspaceId.eq(workspace_id.to_string()))
            .filter(Column::Id.eq(id.to_string()))
            .exec(&self.tx)
            .await?;
        self.note(Change::Key(record(&key)));
        Ok(true)
    }

    /// The API key with this secret, whoever owns it: whether an imported or kept secret is free to use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_api_key_hash(&self, hash: SecretHash) -> Result<bool, StoreError> {
        let found = Entity::find().filter(Column::Hash.eq(hash.as_bytes().to_vec())).one(&self.tx).await?;
        Ok(found.is_some())
    }
}
