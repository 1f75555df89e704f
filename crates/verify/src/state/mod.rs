//! Everything that verification knows, in tables that are read without locks.

pub(crate) mod keys;
mod shard;

use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use credentials::ParsedVerifyingKey;
use domain::link::{Change, ManagementTokenRecord, Revision, Snapshot};
use domain::{
    ClientRef, InstanceId, Kid, ManagementTokenId, PermissionSet, PlanLimits, ProjectId, QuotaScope,
    SecretHash, TemporaryKeyId, Timestamp, VerifyingKey, WorkspaceId,
};
use papaya::HashMap;

use keys::KeyTable;

/// A management token as it was last told.
#[derive(Debug, Clone)]
pub(crate) struct ManagerEntry {
    pub(crate) id: ManagementTokenId,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) permissions: PermissionSet,
    pub(crate) is_revoked: bool,
}

#[derive(Debug, Clone, Copy)]
enum ProjectEntry {
    Alive(WorkspaceId),
    Deleted,
}

#[derive(Debug, Clone, Copy)]
enum WorkspaceEntry {
    Open(PlanLimits),
    Closed,
}

/// A client_ref that was revoked at least once.
#[derive(Debug, Clone, Copy)]
struct ClientRefEntry {
    /// Temporary keys minted before this are dead.
    revoked_at: Revision,
    /// Whether it is still out.
    is_shut: bool,
    /// When all that were minted before have expired, if it was let in again.
    forget_at: Option<Timestamp>,
}

/// Who signs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Issuer {
    /// The instance, once known.
    pub(crate) instance_id: Option<InstanceId>,
    keys: Vec<ParsedVerifyingKey>,
    /// Those that stay out, whatever is told of them later.
    revoked: Vec<Kid>,
}

impl Issuer {
    /// The key of this kid, unless it has retired: then nothing that it signed is valid any more.
    pub(crate) fn key(&self, kid: &Kid, now: Timestamp) -> Option<&ParsedVerifyingKey> {
        let is_retired =
            |key: &ParsedVerifyingKey| key.retired_at().is_some_and(|retired_at| now >= retired_at);
        self.keys.iter().find(|key| key.kid() == kid).filter(|key| !is_retired(key))
    }

    /// Whether the key with this tag was revoked.
    pub(crate) fn is_revoked(&self, tag: u128) -> bool {
        self.revoked.iter().any(|kid| kid.tag() == tag)
    }
}

/// Where a project belongs, and what it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) limits: PlanLimits,
}

/// Why a project has no home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Homeless {
    ProjectUnknown,
    ProjectDeleted,
    WorkspaceUnknown,
    WorkspaceClosed,
}

/// The state at a revision. [`State::apply`] must not run twice at the same time.
pub(crate) struct State {
    pub(crate) keys: KeyTable,
    pub(crate) issuer: ArcSwap<Issuer>,
    managers: HashMap<SecretHash, ManagerEntry>,
    manager_hashes: HashMap<ManagementTokenId, SecretHash>,
    projects: HashMap<ProjectId, ProjectEntry>,
    workspaces: HashMap<WorkspaceId, WorkspaceEntry>,
    client_refs: HashMap<(ProjectId, ClientRef), ClientRefEntry>,
    /// Revoked temporary keys, and when they may be forgotten.
    temporary_keys: HashMap<TemporaryKeyId, Timestamp>,
    /// Audio in a UTC month, in seconds.
    quotas: HashMap<(ProjectId, QuotaScope), u32>,
    revision: AtomicU64,
}

impl State {
    /// Nothing known: everything is refused.
    pub(crate) fn empty() -> Self {
        Self::with_keys(KeyTable::of(std::iter::empty()).0)
    }

    /// The state that a snapshot tells, and how many of its changes had to be skipped.
    pub(crate) fn of(snapshot: &Snapshot) -> (Self, u64) {
        // Keys are most of a large snapshot, and a table of them is made much faster at once than one by one.
        let records = snapshot.changes.iter().filter_map(|(_, change)| match change {
            Change::Key(record) => Some(record),
            _ => None,
        });
        let (keys, mut skipped) = KeyTable::of(records);
        let state = Self::with_keys(keys);
        for (revision, change) in &snapshot.changes {
            if !matches!(change, Change::Key(_)) {
                skipped += u64::from(!state.apply_one(*revision, change));
            }
        }
        state.revision.store(snapshot.revision.0, Ordering::Release);
        (state, skipped)
    }

    fn with_keys(keys: KeyTable) -> Self {
        Self {
            keys,
            issuer: ArcSwap::default(),
            managers: HashMap::new(),
            manager_hashes: HashMap::new(),
            projects: HashMap::new(),
            workspaces: HashMap::new(),
            client_refs: HashMap::new(),
            temporary_keys: HashMap::new(),
            quotas: HashMap::new(),
            revision: AtomicU64::new(0),
        }
    }

    pub(crate) fn revision(&self) -> Revision {
        Revision(self.revision.load(Ordering::Acquire))
    }

    /// Applies the changes of one revision, and tells how many had to be skipped. Of an older revision than the present
    /// one, only what takes something away is applied: what it gives may have been taken since.
    pub(crate) fn apply(&self, revision: Revision, changes: &[Change]) -> u64 {
        let is_older = revision < self.revision();
        let counts = |change: &&Change| !is_older || takes_away(change);
        let skipped =
            changes.iter().filter(counts).filter(|change| !self.apply_one(revision, change)).count();
        // Only now: a temporary key minted at this revision was minted in knowledge of what the revision says.
        self.revision.fetch_max(revision.0, Ordering::AcqRel);
        skipped as u64
    }

    /// Whether the change could be applied. What can't be is refused from then on, and nothing else is.
    fn apply_one(&self, revision: Revision, change: &Change) -> bool {
        match change {
            Change::Instance { id } => self.edit_issuer(|issuer| issuer.instance_id = Some(*id)),
            Change::Workspace { id, limits } => {
                let open = WorkspaceEntry::Open(*limits);
                let keep = |entry: &WorkspaceEntry| match entry {
                    WorkspaceEntry::Open(_) => open,
                    WorkspaceEntry::Closed => WorkspaceEntry::Closed,
                };
                self.workspaces.pin().update_or_insert(*id, keep, open);
            }
            Change::WorkspaceClosed { id } => {
                self.workspaces.pin().insert(*id, WorkspaceEntry::Closed);
            }
            Change::Project { id, workspace_id } => {
                let alive = ProjectEntry::Alive(*workspace_id);
                let keep = |entry: &ProjectEntry| match entry {
                    ProjectEntry::Alive(_) => alive,
                    ProjectEntry::Deleted => ProjectEntry::Deleted,
                };
                self.projects.pin().update_or_insert(*id, keep, alive);
            }
            Change::ProjectDeleted { id } => {
                self.projects.pin().insert(*id, ProjectEntry::Deleted);
            }
            Change::Key(record) => return self.keys.put(record).is_ok(),
            Change::ManagementToken(record) => return self.put_manager(record),
            Change::SigningKey(key) => return self.put_signing_key(key),
            Change::SigningKeyRemoved { kid } => self.remove_signing_key(kid),
            Change::SigningKeyRevoked { kid } => self.revoke_signing_key(kid),
            Change::TemporaryKeyRevoked { id, forget_at } => {
                let later = |present: &Timestamp| (*present).max(*forget_at);
                self.temporary_keys.pin().update_or_insert(*id, later, *forget_at);
            }
            Change::ClientRefRevoked { project_id, client_ref } => {
                let shut = ClientRefEntry { revoked_at: revision, is_shut: true, forget_at: None };
                self.put_client_ref(*project_id, client_ref, shut, |present| revision > present.revoked_at);
            }
            Change::Quota { project_id, scope, audio_seconds_per_month_max } => {
                self.put_quota(*project_id, scope, *audio_seconds_per_month_max);
            }
            Change::ClientRefReadmitted { project_id, client_ref, revoked_at, forget_at } => {
                let open = ClientRefEntry { revoked_at: *revoked_at, is_shut: false, forget_at: *forget_at };
                self.put_client_ref(*project_id, client_ref, open, |present| {
                    *revoked_at >= present.revoked_at
                });
            }
        }
        true
    }

    fn put_manager(&self, record: &ManagementTokenRecord) -> bool {
        let managers = self.managers.pin();
        let hashes = self.manager_hashes.pin();
        let before = hashes.get(&record.id).copied();
        let was_revoked = before.and_then(|hash| managers.get(&hash)).is_some_and(|entry| entry.is_revoked);
        if let Some(hash) = before.filter(|hash| *hash != record.hash) {
            managers.remove(&hash);
        }
        if managers.get(&record.hash).is_some_and(|other| other.id != record.id) {
            return false;
        }
        let entry = ManagerEntry {
            id: record.id,
            workspace_id: record.workspace_id,
            permissions: record.permissions,
            is_revoked: was_revoked || record.revoked_at.is_some(),
        };
        managers.insert(record.hash, entry);
        hashes.insert(record.id, record.hash);
        true
    }

    /// A key that can't be parsed replaces one of the same kid, too: what that one signed is in doubt.
    fn put_signing_key(&self, key: &VerifyingKey) -> bool {
        let parsed = ParsedVerifyingKey::new(key);
        let is_usable = parsed.is_ok();
        self.edit_issuer(|issuer| {
            issuer.keys.retain(|other| *other.kid() != key.kid);
            if !issuer.revoked.contains(&key.kid) {
                issuer.keys.extend(parsed.ok());
            }
        });
        is_usable
    }

    fn remove_signing_key(&self, kid: &Kid) {
        self.edit_issuer(|issuer| issuer.keys.retain(|key| key.kid() != kid));
    }

    /// Revoked for good: a key that is told of later under the same kid stays out.
    fn revoke_signing_key(&self, kid: &Kid) {
        self.edit_issuer(|issuer| {
            issuer.keys.retain(|key| key.kid() != kid);
            if !issuer.revoked.contains(kid) {
                issuer.revoked.push(kid.clone());
            }
        });
    }

    fn edit_issuer(&self, edit: impl FnOnce(&mut Issuer)) {
        let mut issuer = Issuer::clone(&self.issuer.load());
        edit(&mut issuer);
        self.issuer.store(issuer.into());
    }

    /// Replaces what is known of a client_ref if it is news: a revocation told twice doesn't undo a readmission, and a
    /// readmission only undoes the revocation that it names.
    fn put_client_ref(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
        entry: ClientRefEntry,
        is_news: impl Fn(&ClientRefEntry) -> bool,
    ) {
        let newest = |present: &ClientRefEntry| if is_news(present) { entry } else { *present };
        self.client_refs.pin().update_or_insert((project_id, client_ref.clone()), newest, entry);
    }

    fn put_quota(&self, project_id: ProjectId, scope: &QuotaScope, audio_seconds_max: Option<u32>) {
        let key = (project_id, scope.clone());
        match audio_seconds_max {
            Some(max) => drop(self.quotas.pin().insert(key, max)),
            None => drop(self.quotas.pin().remove(&key)),
        }
    }

    /// The quota that is set for something of a project.
    pub(crate) fn quota(&self, project_id: ProjectId, scope: QuotaScope) -> Option<u32> {
        self.quotas.pin().get(&(project_id, scope)).copied()
    }

    /// Forgets revocations of temporary keys that have expired since.
    pub(crate) fn forget_expired(&self, now: Timestamp) {
        self.temporary_keys.pin().retain(|_, forget_at| now < *forget_at);
        self.client_refs.pin().retain(|_, entry| entry.forget_at.is_none_or(|forget_at| now < forget_at));
    }

    pub(crate) fn find_manager(&self, hash: &SecretHash) -> Option<ManagerEntry> {
        self.managers.pin().get(hash).cloned()
    }

    pub(crate) fn is_temporary_key_revoked(&self, id: TemporaryKeyId) -> bool {
        self.temporary_keys.pin().contains_key(&id)
    }

    /// Whether a client_ref is out. Temporary keys are out for good if they were minted before it was revoked.
    pub(crate) fn is_client_ref_out(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
        minted_at: Option<Revision>,
    ) -> bool {
        let entry = self.client_refs.pin().get(&(project_id, client_ref.clone())).copied();
        entry.is_some_and(|entry| {
            entry.is_shut || minted_at.is_some_and(|minted_at| minted_at < entry.revoked_at)
        })
    }

    /// Where a project belongs: unknown, deleted and closed ones are refused.
    pub(crate) fn home(&self, project_id: ProjectId) -> Result<Home, Homeless> {
        let workspace_id = match self.projects.pin().get(&project_id) {
            Some(ProjectEntry::Alive(workspace_id)) => *workspace_id,
            Some(ProjectEntry::Deleted) => return Err(Homeless::ProjectDeleted),
            None => return Err(Homeless::ProjectUnknown),
        };
        Ok(Home { workspace_id, limits: self.limits(workspace_id)? })
    }

    /// The limits of a workspace: unknown and closed ones are refused.
    pub(crate) fn limits(&self, workspace_id: WorkspaceId) -> Result<PlanLimits, Homeless> {
        match self.workspaces.pin().get(&workspace_id) {
            Some(WorkspaceEntry::Open(limits)) => Ok(*limits),
            Some(WorkspaceEntry::Closed) => Err(Homeless::WorkspaceClosed),
            None => Err(Homeless::WorkspaceUnknown),
        }
    }
}

/// Whether a change only takes something away, for good.
const fn takes_away(change: &Change) -> bool {
    match change {
        Change::Key(record) => record.revoked_at.is_some(),
        Change::ManagementToken(record) => record.revoked_at.is_some(),
        Change::WorkspaceClosed { .. }
        | Change::ProjectDeleted { .. }
        | Change::SigningKeyRemoved { .. }
        | Change::SigningKeyRevoked { .. }
        | Change::TemporaryKeyRevoked { .. }
        | Change::ClientRefRevoked { .. } => true,
        Change::Instance { .. }
        | Change::Workspace { .. }
        | Change::Project { .. }
        | Change::SigningKey(_)
        | Change::Quota { .. }
        | Change::ClientRefReadmitted { .. } => false,
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("revision", &self.revision())
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
