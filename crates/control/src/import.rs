//! Taking in API keys that were made elsewhere, in batches.

use std::collections::{HashMap, HashSet};

use credentials::hash_hint;
use domain::limits::{IMPORT_BATCH_KEYS_MAX, NETWORKS_ENTRIES_MAX};
use domain::link::Revision;
use domain::{
    ApiKey, ApiKeyId, AreaSet, KeyState, ProductSet, ProjectId, SecretHash, Timestamp, Workspace, WorkspaceId,
};
use storage::{AuditAction, StoreError};

use crate::import_row::{ImportRow, LineProblem};
use crate::names::is_name;
use crate::{Actor, Control};

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Keys that were taken in, or would be.
    pub imported: u64,
    /// Keys that their project had already. They stay as they are.
    pub known: u64,
    /// Keys that can't be taken in, and why. All others of the batch were.
    pub refused: Vec<LineProblem>,
    /// The newest revision.
    pub revision: Revision,
}

/// Why nothing of a batch was taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Too many at once: it would keep other changes waiting for too long.
    #[error("a batch of an import has at most {IMPORT_BATCH_KEYS_MAX} keys")]
    TooLarge,
    /// No such workspace.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// The store failed.
    #[error("the keys could not be stored")]
    Store(#[from] StoreError),
}

/// What a batch is judged by.
struct Judge<'a> {
    workspace: &'a Workspace,
    allows_several_areas: bool,
    projects: HashSet<ProjectId>,
    owners: HashMap<SecretHash, ProjectId>,
    now: Timestamp,
}

/// What is to be done with a row.
enum Verdict {
    Import,
    Known,
    Refuse(&'static str),
}

impl Judge<'_> {
    /// What is known comes first: a file that was imported once may be imported again, whatever has become of its keys.
    fn judge(&self, row: &ImportRow) -> Verdict {
        match self.owners.get(&row.hash) {
            Some(owner) if *owner == row.project => return Verdict::Known,
            Some(_) => return Verdict::Refuse("this key belongs to another project already"),
            None => {}
        }
        if !self.projects.contains(&row.project) {
            return Verdict::Refuse(
                "there is no such project in this workspace: list the projects to see their ids",
            );
        }
        if !is_name(&row.name) {
            return Verdict::Refuse(
                "the name should be 1 to 120 characters long, without control characters",
            );
        }
        if row.areas.is_some_and(AreaSet::is_empty) || row.products.is_some_and(ProductSet::is_empty) {
            return Verdict::Refuse("a list of areas or products must not be empty: leave it out instead");
        }
        if row.areas.is_some_and(|areas| areas.len() > 1) && !self.allows_several_areas {
            return Verdict::Refuse("this workspace's plan links an API key to one area only");
        }
        if row.networks.0.len() > NETWORKS_ENTRIES_MAX {
            return Verdict::Refuse("a key has at most 8 networks");
        }
        if row.expires_at.is_some_and(|expires_at| expires_at <= self.now) {
            return Verdict::Refuse("the key has expired already");
        }
        Verdict::Import
    }

    fn key(&self, actor: &Actor, row: ImportRow, id: ApiKeyId) -> ApiKey {
        ApiKey {
            id,
            hash: row.hash,
            project_id: row.project,
            workspace_id: self.workspace.id,
            name: row.name,
            hint: hash_hint(&row.hash),
            created_by: actor.account_id(),
            created_at: self.now,
            expires_at: row.expires_at,
            last_used_at: None,
            temporary_keys_last_used_at: None,
            imported_at: Some(self.now),
            areas: row.areas.unwrap_or(AreaSet::EMPTY.with(self.workspace.home_area)),
            products: row.products.unwrap_or(ProductSet::default_for_keys()),
            networks: row.networks,
            client_ref: row.client_ref,
            rotated_from: None,
            state: KeyState::Active,
        }
    }
}

impl Control {
    /// Says what [`Control::import_keys`] would do with a batch, and does nothing.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn check_import(
        &self,
        workspace_id: WorkspaceId,
        rows: &[ImportRow],
    ) -> Result<ImportReport, ImportError> {
        let store = &self.inner.store;
        let hashes = hashes(rows)?;
        let workspace = store.find_workspace(workspace_id).await?.ok_or(ImportError::WorkspaceNotFound)?;
        let owners = store.projects_of_hashes(&hashes).await?;
        let mut judge = self.judge(&workspace, owners).await?;
        let mut report = ImportReport { revision: self.inner.tables.revision(), ..ImportReport::default() };
        for row in rows {
            match judge.judge(row) {
                Verdict::Import => {
                    report.imported += 1;
                    judge.owners.insert(row.hash, row.project);
                }
                Verdict::Known => report.known += 1,
                Verdict::Refuse(problem) => report.refused.push(LineProblem::new(row.line, problem)),
            }
        }
        Ok(report)
    }

    /// Takes in a batch of API keys: all that can be, with one feed entry and one audit event. When this returns, the
    /// gateways of this process accept them. A batch that was imported before changes nothing.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub async fn import_keys(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        rows: Vec<ImportRow>,
    ) -> Result<ImportReport, ImportError> {
        let hashes = hashes(&rows)?;
        let mut change = self.inner.store.change().await?;
        let workspace = change.find_workspace(workspace_id).await?.ok_or(ImportError::WorkspaceNotFound)?;
        let mut judge = self.judge(&workspace, change.projects_of_hashes(&hashes).await?).await?;
        let mut report = ImportReport { revision: self.inner.tables.revision(), ..ImportReport::default() };
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            match judge.judge(&row) {
                Verdict::Import => {
                    judge.owners.insert(row.hash, row.project);
                    keys.push(judge.key(actor, row, ApiKeyId::generate(judge.now, &*self.inner.rng)));
                }
                Verdict::Known => report.known += 1,
                Verdict::Refuse(problem) => report.refused.push(LineProblem::new(row.line, problem)),
            }
        }
        if keys.is_empty() {
            return Ok(report);
        }
        report.imported = keys.len() as u64;
        // In the order of the index that would otherwise be entered at random.
        keys.sort_unstable_by_key(|key| key.hash);
        change.insert_api_keys(&keys).await?;
        let (now, action) = (judge.now, AuditAction::ApiKeysImported);
        let subject = workspace.id;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, subject);
        entry.detail = format!(
            "{} imported, {} known before, {} refused",
            report.imported,
            report.known,
            report.refused.len()
        );
        report.revision = self.inner.publish(change, entry).await?;
        Ok(report)
    }

    async fn judge<'a>(
        &self,
        workspace: &'a Workspace,
        owners: Vec<(SecretHash, ProjectId)>,
    ) -> Result<Judge<'a>, StoreError> {
        let projects = self.inner.store.list_projects(workspace.id).await?;
        Ok(Judge {
            workspace,
            allows_several_areas: self.limits_of(workspace).enterprise,
            projects: projects.iter().map(|project| project.id).collect(),
            owners: owners.into_iter().collect(),
            now: self.now(),
        })
    }
}

fn hashes(rows: &[ImportRow]) -> Result<Vec<SecretHash>, ImportError> {
    if rows.len() > IMPORT_BATCH_KEYS_MAX {
        return Err(ImportError::TooLarge);
    }
    Ok(rows.iter().map(|row| row.hash).collect())
}
