//! The feed: it says what the state says, in the order of commits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::link::{Change, Revision};
use domain::{
    ApiKey, ClientRef, Kid, Project, QuotaScope, Rng, SigningKeyState, SystemRng, TemporaryKeyId, Workspace,
};
use storage::{ChangeTx, Quota, Store};

use super::builders::{
    account, api_key, at, audit, insert_key, management_token, new_project, owner, signing_key, workspace,
};

/// A failed statement takes the whole change with it: state, feed entry, audit event; without it all are kept.
pub(crate) async fn a_change_with_an_error_in_it_is_not_kept(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let key = api_key(workspace.id, project.id, "k");
    insert_key(store, &key).await;
    let before = (store.snapshot().await.unwrap(), audit_count(store, &workspace).await);
    let fresh = api_key(workspace.id, project.id, "fresh");
    let mut entry = audit();
    entry.workspace_id = Some(workspace.id);

    let mut change = store.change().await.unwrap();
    change.insert_api_key(&fresh).await.unwrap();
    let mut same_secret = api_key(workspace.id, project.id, "same secret");
    same_secret.hash = key.hash;
    let error = change.insert_api_key(&same_secret).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert!(change.publish(&entry).await.is_err(), "a commit after an error must fail");
    assert_eq!((store.snapshot().await.unwrap(), audit_count(store, &workspace).await), before);

    let mut change = store.change().await.unwrap();
    change.insert_api_key(&fresh).await.unwrap();
    change.publish(&entry).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().revision, Revision(before.0.revision.0 + 1));
    assert_eq!(audit_count(store, &workspace).await, before.1 + 1);
}

/// A change that is never published, as when its task is killed, is in neither state nor feed nor log.
pub(crate) async fn a_dropped_change_leaves_no_trace(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let before = store.snapshot().await.unwrap();
    let mut change = store.change().await.unwrap();
    change.insert_api_key(&api_key(workspace.id, project.id, "k")).await.unwrap();
    change.insert_project(new_project(workspace.id, "p")).await.unwrap();
    drop(change);
    assert_eq!(store.snapshot().await.unwrap(), before);
    assert_eq!(store.list_projects(workspace.id).await.unwrap().len(), 1);
    assert!(store.feed_after(before.revision, 10).await.unwrap().is_empty());
}

/// However many write at once, each revision is one larger than that of the commit before it.
pub(crate) async fn revisions_are_given_in_the_order_of_commits(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let first = store.revision().await.unwrap();
    let commits = Arc::new(Mutex::new(Vec::new()));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (store, commits) = (store.clone(), Arc::clone(&commits));
        writers.spawn(async move {
            for number in 0..10 {
                let key = api_key(workspace.id, project.id, &format!("{writer}/{number}"));
                let committed = insert_key(&store, &key).await;
                commits.lock().unwrap().push((committed.revision, key.id));
                drop(committed.turn);
            }
        });
    }
    writers.join_all().await;
    let commits = std::mem::take(&mut *commits.lock().unwrap());
    let feed = store.feed_after(first, 1_000).await.unwrap();
    assert_eq!(commits.len(), 80);
    assert_eq!(feed.len(), 80);
    for (index, ((revision, id), (fed, changes))) in commits.iter().zip(&feed).enumerate() {
        assert_eq!(revision.0, first.0 + 1 + index as u64, "in the order of commits, without gaps");
        assert_eq!(fed, revision);
        assert!(matches!(changes.as_slice(), [Change::Key(record)] if record.id == *id));
    }
}

/// A change that concerns no gateway is kept and logged, and the feed stays as it was.
pub(crate) async fn what_gateways_need_not_know_takes_no_revision(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    let before = store.revision().await.unwrap();
    let mut change = store.change().await.unwrap();
    change.rename_project(workspace.id, project.id, "other").await.unwrap();
    change.insert_account(&account("a@example.org")).await.unwrap();
    let committed = change.publish(&audit()).await.unwrap();
    assert_eq!((committed.revision, committed.changes.len()), (before, 0));
    drop(committed);
    assert_eq!(store.revision().await.unwrap(), before);
    assert!(store.find_account_by_email("a@example.org").await.unwrap().is_some());
}

/// The feed can be read from any revision, in pages.
pub(crate) async fn the_feed_can_be_read_from_anywhere(store: &Store) {
    let (workspace, project) = owner(store, "w").await;
    for number in 0..5 {
        insert_key(store, &api_key(workspace.id, project.id, &number.to_string())).await;
    }
    let all = store.feed_after(Revision(0), 100).await.unwrap();
    assert_eq!(all.iter().map(|(revision, _)| revision.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.feed_after(Revision(2), 2).await.unwrap(), all[2..4]);
    assert!(store.feed_after(Revision(6), 2).await.unwrap().is_empty());
}

/// After any changes, the snapshot holds exactly what the feed adds up to, each with the revision that it came with.
pub(crate) async fn the_snapshot_equals_the_feed(store: &Store) {
    let mut world = World::default();
    for _ in 0..150 {
        let mut bytes = [0; 3];
        SystemRng.fill(&mut bytes);
        let mut change = store.change().await.unwrap();
        world.step(&mut change, bytes).await;
        change.publish(&audit()).await.unwrap();
    }
    assert_snapshot_equals_feed(store).await;
}

pub(crate) async fn assert_snapshot_equals_feed(store: &Store) {
    let snapshot = store.snapshot().await.unwrap();
    let feed = store.feed_after(Revision(0), 1_000_000).await.unwrap();
    assert_eq!(feed.last().map_or(Revision(0), |(revision, _)| *revision), snapshot.revision);
    let fed = feed
        .into_iter()
        .flat_map(|(revision, changes)| changes.into_iter().map(move |change| (revision, change)));
    assert_eq!(fold(snapshot.changes.into_iter()), fold(fed));
}

/// What changes add up to: the last one about each thing.
fn fold(changes: impl Iterator<Item = (Revision, Change)>) -> BTreeMap<String, (Revision, Change)> {
    let mut state = BTreeMap::new();
    for (revision, change) in changes {
        let about = match &change {
            Change::Instance { .. } => String::from("instance"),
            Change::Workspace { id, .. } => format!("workspace {id}"),
            Change::WorkspaceClosed { id } => format!("workspace closed {id}"),
            Change::Project { id, .. } => format!("project {id}"),
            Change::ProjectDeleted { id } => format!("project deleted {id}"),
            Change::Key(record) => format!("key {}", record.id),
            Change::ManagementToken(record) => format!("token {}", record.id),
            Change::SigningKey(key) => format!("signing key {}", key.kid),
            Change::SigningKeyRevoked { kid } => format!("signing key {kid}"),
            Change::SigningKeyRemoved { kid } => {
                state.remove(&format!("signing key {kid}"));
                continue;
            }
            Change::TemporaryKeyRevoked { id, .. } => format!("temporary key {id}"),
            Change::ClientRefRevoked { project_id, client_ref }
            | Change::ClientRefReadmitted { project_id, client_ref, .. } => {
                format!("client_ref {project_id} {client_ref}")
            }
            Change::Quota { project_id, scope, audio_seconds_per_month_max } => {
                let about = format!("quota {project_id} {scope:?}");
                if audio_seconds_per_month_max.is_none() {
                    state.remove(&about);
                    continue;
                }
                about
            }
        };
        state.insert(about, (revision, change));
    }
    state
}

/// What was made so far, to do something with.
#[derive(Debug, Default)]
struct World {
    workspaces: Vec<Workspace>,
    projects: Vec<Project>,
    keys: Vec<ApiKey>,
    tokens: Vec<domain::ManagementToken>,
    signing_keys: Vec<Kid>,
}

fn pick<T>(items: &[T], number: u8) -> Option<&T> {
    items.get(usize::from(number).checked_rem(items.len())?)
}

impl World {
    /// One random change; those that need something that isn't there make a workspace instead.
    async fn step(&mut self, change: &mut ChangeTx, [what, which, more]: [u8; 3]) {
        let workspace_of = pick(&self.workspaces, which).cloned();
        let project = pick(&self.projects, which).cloned();
        let key = pick(&self.keys, which).cloned();
        let client_ref = ClientRef::new(["alice", "Alice", "bob"][usize::from(more) % 3]).unwrap();
        match (what % 16, workspace_of, project, key) {
            (0, Some(owner), _, _) => {
                change.set_workspace_limits(owner.id, domain::Plan::Free.default_limits()).await.unwrap();
            }
            (1, Some(owner), _, _) if more < 30 => {
                change.close_workspace(owner.id, at(1)).await.unwrap();
            }
            (2, Some(owner), _, _) => {
                self.projects.push(change.insert_project(new_project(owner.id, "p")).await.unwrap());
            }
            (3, _, Some(project), _) if more < 60 => {
                change.delete_project(project.workspace_id, project.id, at(1)).await.unwrap();
            }
            (4..=6, _, Some(project), _) => {
                let key = api_key(project.workspace_id, project.id, "k");
                change.insert_api_key(&key).await.unwrap();
                self.keys.push(key);
            }
            (7, _, _, Some(key)) => {
                change.revoke_api_key(key.workspace_id, key.id, at(1)).await.unwrap();
            }
            (8, Some(owner), _, _) => {
                let token = management_token(owner.id, "t");
                change.insert_management_token(&token).await.unwrap();
                self.tokens.push(token);
            }
            (9, _, _, _) if !self.tokens.is_empty() => {
                let token = pick(&self.tokens, which).unwrap();
                change.revoke_management_token(token.workspace_id, token.id, at(1)).await.unwrap();
            }
            (10, _, _, Some(key)) => {
                let id = TemporaryKeyId::generate(key.id, &SystemRng);
                change.revoke_temporary_key(&key, id, at(1), at(2)).await.unwrap();
            }
            (11, _, Some(project), _) => {
                change.revoke_client_ref(project.id, &client_ref, at(1)).await.unwrap();
            }
            (12, _, Some(project), _) => {
                change.readmit_client_ref(project.id, &client_ref, at(1), at(2)).await.unwrap();
            }
            (14, _, Some(project), _) => {
                let scope =
                    [QuotaScope::Project, QuotaScope::ClientRef(client_ref)][usize::from(which) % 2].clone();
                let quota = Quota {
                    project_id: project.id,
                    scope,
                    audio_seconds_per_month_max: more.into(),
                    set_at: at(1),
                };
                change.set_quota(&quota).await.unwrap();
            }
            (15, _, Some(project), _) => {
                change.remove_quota(project.id, &QuotaScope::Project).await.unwrap();
            }
            (13, _, _, _) => self.step_signing_key(change, which, more).await,
            _ => {
                let new = workspace("w");
                change.insert_workspace(&new, new.plan.default_limits()).await.unwrap();
                self.workspaces.push(new);
            }
        }
    }

    async fn step_signing_key(&mut self, change: &mut ChangeTx, which: u8, more: u8) {
        match pick(&self.signing_keys, which) {
            Some(kid) if more < 60 => {
                change.remove_signing_key(kid).await.unwrap();
            }
            Some(kid) if more < 80 => {
                change.revoke_signing_key(kid, at(8)).await.unwrap();
            }
            Some(kid) if more < 160 => {
                change.set_signing_key_state(kid, SigningKeyState::Retiring, Some(at(9))).await.unwrap();
            }
            _ => {
                let key = signing_key(&format!("kid-{}", self.signing_keys.len()));
                change.insert_signing_key(&key).await.unwrap();
                self.signing_keys.push(key.verifying_key.kid);
            }
        }
    }
}

async fn audit_count(store: &Store, workspace: &Workspace) -> usize {
    store.list_audit_events(workspace.id, 0, 1_000).await.unwrap().len()
}
