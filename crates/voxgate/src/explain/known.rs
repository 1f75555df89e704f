//! What an instance's database knows of a credential.

use credentials::{Jwks, hash_secret};
use domain::link::{Change, KeyRecord, ManagementTokenRecord, Snapshot};
use domain::{ApiKey, ApiKeyId, ManagementToken, ProjectId, Workspace, WorkspaceId};
use storage::{Store, StoreError};
use verify::{Leeway, Tables};

use super::token::Said;

/// What an instance's database knows of one credential, and the tables that gateways would judge it with.
#[derive(Debug)]
pub struct Known {
    pub(super) tables: Tables,
    pub(super) jwks: Jwks,
    /// The API key, or the parent of the temporary key.
    pub(super) key: Option<ApiKey>,
    pub(super) management_token: Option<ManagementToken>,
    pub(super) workspace: Option<Workspace>,
}

impl Known {
    /// Reads a database for a credential; nothing is written.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn read(store: &Store, credential: &str, leeway: Leeway) -> Result<Self, StoreError> {
        let snapshot = store.snapshot().await?;
        let tables = Tables::with_leeway(leeway);
        tables.load(&snapshot);
        let mut known =
            Self { tables, jwks: jwks(&snapshot), key: None, management_token: None, workspace: None };
        if let Some(record) = key_record(&snapshot, credential)
            && let Some(workspace) = workspace_of(&snapshot, record.project_id)
        {
            known.key = store.find_api_key(workspace, record.id).await?;
            known.workspace = store.find_workspace(workspace).await?;
        } else if let Some(record) = token_record(&snapshot, credential) {
            let tokens = store.list_management_tokens(record.workspace_id).await?;
            known.management_token = tokens.into_iter().find(|token| token.id == record.id);
            known.workspace = store.find_workspace(record.workspace_id).await?;
        }
        Ok(known)
    }
}

fn jwks(snapshot: &Snapshot) -> Jwks {
    let keys = snapshot.changes.iter().filter_map(|(_, change)| match change {
        Change::SigningKey(key) => Some(key.clone()),
        _ => None,
    });
    Jwks::from_keys(&keys.collect::<Vec<_>>())
}

/// The API key of this secret, or the one that minted this token.
fn key_record<'a>(snapshot: &'a Snapshot, credential: &str) -> Option<&'a KeyRecord> {
    let hash = hash_secret(credential);
    let parent = Said::read(credential).claims["apikey_id"].as_str().and_then(ApiKeyId::parse);
    let mut records = snapshot.changes.iter().filter_map(|(_, change)| match change {
        Change::Key(record) => Some(record),
        _ => None,
    });
    records.find(|record| record.hash == hash || Some(record.id) == parent)
}

fn token_record<'a>(snapshot: &'a Snapshot, credential: &str) -> Option<&'a ManagementTokenRecord> {
    let hash = hash_secret(credential);
    snapshot.changes.iter().find_map(|(_, change)| match change {
        Change::ManagementToken(record) if record.hash == hash => Some(record),
        _ => None,
    })
}

fn workspace_of(snapshot: &Snapshot, project: ProjectId) -> Option<WorkspaceId> {
    snapshot.changes.iter().find_map(|(_, change)| match change {
        Change::Project { id, workspace_id } if *id == project => Some(*workspace_id),
        _ => None,
    })
}
