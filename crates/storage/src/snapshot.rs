//! All state that gateways need, as the changes that make it, and the feed since a revision.

use domain::link::{Change, KeyRecord, Revision, Snapshot};
use domain::{ApiKeyId, ClientRef, InstanceId, ProjectId, SigningKeyState, TemporaryKeyId, WorkspaceId};
use sea_orm::sea_query::{Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect};

use crate::change::SINGLETON;
use crate::entities::{
    api_key, change, client_ref, counter, instance, management_token, project, quota, revoked_temporary_key,
    signing_key, workspace,
};
use crate::rows::{self, At, revision, revision_column, time};
use crate::{Store, StoreError, api_keys, management_tokens, quotas, signing_keys, workspaces};

/// Keys read at a time: there may be a million of them, and the rows of all at once would be large.
const KEYS_PER_PAGE_MAX: u64 = 20_000;

type Changes = Vec<(Revision, Change)>;

impl Store {
    /// The present state, as of one moment.
    ///
    /// # Errors
    /// When the database fails, or a row can't be read.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let tx = self.db.read_tx().await?;
        let counters = counter::Entity::find_by_id(SINGLETON).one(&tx).await?;
        let newest = counters.map_or(Revision(0), |counters| revision(counters.revision));
        let mut changes = Vec::new();
        add_instance(&tx, &mut changes).await?;
        add_workspaces(&tx, &mut changes).await?;
        add_projects(&tx, &mut changes).await?;
        add_signing_keys(&tx, &mut changes).await?;
        add_api_keys(&tx, &mut changes).await?;
        add_management_tokens(&tx, &mut changes).await?;
        add_temporary_keys(&tx, &mut changes).await?;
        add_client_refs(&tx, &mut changes).await?;
        add_quotas(&tx, &mut changes).await?;
        Ok(Snapshot { revision: newest, changes })
    }

    /// The feed after a revision, in order, at most `limit` revisions of it.
    ///
    /// # Errors
    /// When the database fails, or an entry can't be read.
    pub async fn feed_after(
        &self,
        after: Revision,
        limit: u64,
    ) -> Result<Vec<(Revision, Vec<Change>)>, StoreError> {
        let rows = change::Entity::find()
            .filter(change::Column::Revision.gt(revision_column(after)))
            .order_by_asc(change::Column::Revision)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let parse = |row: change::Model| {
            let at = At { table: "changes", row: &row.revision };
            Ok((revision(row.revision), at.need("changes", serde_json::from_str(&row.changes).ok())?))
        };
        rows.into_iter().map(parse).collect()
    }
}

async fn add_instance(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in instance::Entity::find().all(db).await? {
        let id = At { table: "instance", row: &row.singleton }.need("id", InstanceId::parse(&row.id))?;
        changes.push((revision(row.revision), Change::Instance { id }));
    }
    Ok(())
}

async fn add_workspaces(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in workspace::Entity::find().order_by_asc(workspace::Column::Id).all(db).await? {
        let id = At { table: "workspaces", row: &row.id }.need("id", WorkspaceId::parse(&row.id))?;
        changes.push((revision(row.revision), Change::Workspace { id, limits: workspaces::limits(&row)? }));
        if let Some(closed) = row.closed_revision {
            changes.push((revision(closed), Change::WorkspaceClosed { id }));
        }
    }
    Ok(())
}

async fn add_projects(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in project::Entity::find().order_by_asc(project::Column::Id).all(db).await? {
        let id = ProjectId::new(row.id);
        let at = At { table: "projects", row: &row.id };
        let workspace_id = at.need("workspace_id", WorkspaceId::parse(&row.workspace_id))?;
        changes.push((revision(row.revision), Change::Project { id, workspace_id }));
        if let Some(deleted) = row.deleted_revision {
            changes.push((revision(deleted), Change::ProjectDeleted { id }));
        }
    }
    Ok(())
}

async fn add_signing_keys(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in signing_key::Entity::find().order_by_asc(signing_key::Column::Kid).all(db).await? {
        let came = revision(row.revision);
        let key = signing_keys::from_row(row)?;
        changes.push((
            came,
            match key.state {
                SigningKeyState::Revoked => Change::SigningKeyRevoked { kid: key.verifying_key.kid },
                SigningKeyState::Published | SigningKeyState::Signing | SigningKeyState::Retiring => {
                    Change::SigningKey(key.verifying_key)
                }
            },
        ));
    }
    Ok(())
}

/// Pages by id, and reads only the columns that gateways need.
async fn add_api_keys(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    let mut last = String::new();
    loop {
        let page = Query::select()
            .columns(KEY_COLUMNS)
            .from(api_key::Entity)
            .and_where(api_key::Column::Id.gt(last.as_str()))
            .order_by(api_key::Column::Id, Order::Asc)
            .limit(KEYS_PER_PAGE_MAX)
            .to_owned();
        let rows = db.query_all(&page).await?;
        let Some(newest) = rows.last() else {
            return Ok(());
        };
        last = newest.try_get_by_index(0)?;
        changes.reserve(rows.len());
        for row in &rows {
            changes.push(key_change(row)?);
        }
    }
}

const KEY_COLUMNS: [api_key::Column; 10] = [
    api_key::Column::Id,
    api_key::Column::Hash,
    api_key::Column::ProjectId,
    api_key::Column::Areas,
    api_key::Column::Products,
    api_key::Column::ExpiresAt,
    api_key::Column::Networks,
    api_key::Column::ClientRef,
    api_key::Column::RevokedAt,
    api_key::Column::Revision,
];

fn key_change(row: &QueryResult) -> Result<(Revision, Change), StoreError> {
    let id: String = row.try_get_by_index(0)?;
    let at = At { table: api_keys::TABLE, row: &id };
    let client_ref: Option<String> = row.try_get_by_index(7)?;
    let record = KeyRecord {
        id: at.need("id", ApiKeyId::parse(&id))?,
        hash: at.need("hash", rows::hash(&row.try_get_by_index::<Vec<u8>>(1)?))?,
        project_id: ProjectId::new(row.try_get_by_index(2)?),
        areas: at.need("areas", rows::areas(&row.try_get_by_index::<String>(3)?))?,
        products: at.need("products", rows::products(&row.try_get_by_index::<String>(4)?))?,
        expires_at: row.try_get_by_index::<Option<i64>>(5)?.map(time),
        networks: at.need("networks", rows::networks(&row.try_get_by_index::<String>(6)?))?,
        client_ref: at.maybe("client_ref", client_ref.as_deref(), |text| ClientRef::new(text).ok())?,
        revoked_at: row.try_get_by_index::<Option<i64>>(8)?.map(time),
    };
    Ok((revision(row.try_get_by_index(9)?), Change::Key(record)))
}

async fn add_management_tokens(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in management_token::Entity::find().order_by_asc(management_token::Column::Id).all(db).await? {
        let came = revision(row.revision);
        changes.push((came, Change::ManagementToken(management_tokens::record_from_row(row)?)));
    }
    Ok(())
}

async fn add_temporary_keys(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    let all = revoked_temporary_key::Entity::find().order_by_asc(revoked_temporary_key::Column::Id);
    for row in all.all(db).await? {
        let at = At { table: "revoked_temporary_keys", row: &row.id };
        let id = at.need("id", TemporaryKeyId::parse(&row.id))?;
        let change = Change::TemporaryKeyRevoked { id, forget_at: time(row.forget_at) };
        changes.push((revision(row.revision), change));
    }
    Ok(())
}

async fn add_client_refs(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in client_ref::Entity::find().order_by_asc(client_ref::Column::Revision).all(db).await? {
        let at = At { table: "client_refs", row: &row.client_ref };
        let client_ref = at.need("client_ref", ClientRef::new(&row.client_ref).ok())?;
        let project_id = ProjectId::new(row.project_id);
        let change = match row.readmitted_at {
            None => Change::ClientRefRevoked { project_id, client_ref },
            Some(_) => {
                let revoked_at = revision(row.revoked_revision);
                let forget_at = row.forget_at.map(time);
                Change::ClientRefReadmitted { project_id, client_ref, revoked_at, forget_at }
            }
        };
        changes.push((revision(row.revision), change));
    }
    Ok(())
}

async fn add_quotas(db: &impl ConnectionTrait, changes: &mut Changes) -> Result<(), StoreError> {
    for row in quota::Entity::find().order_by_asc(quota::Column::Revision).all(db).await? {
        let quota = quotas::from_row(&row)?;
        let max = Some(quota.audio_seconds_per_month_max);
        changes.push((revision(row.revision), quotas::change(quota.project_id, &quota.scope, max)));
    }
    Ok(())
}
