//! Every open session: counted against quotas, found by what a change of state concerns, listed and ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::link::{Change, SessionFilter, SessionInfo};
use domain::{
    Product, ProjectId, Reason, Refusal, Region, SessionId, TemporaryKeyId, Timestamp, WorkspaceId,
};
use tokio::sync::Notify;
use verify::{Principal, Tables};

use super::SessionTimes;
use super::session::{Ending, Facts, Session};
use crate::concerned::Concerned;

/// In-band refusals at once; beyond it they are told by HTTP, which costs no waiting connection.
const REFUSING_MAX: usize = 4096;

/// The open sessions of one gateway.
#[derive(Debug, Clone, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    times: SessionTimes,
    sessions: papaya::HashMap<SessionId, Arc<Session>>,
    counts: Mutex<Counts>,
    /// Set at shutdown: nothing is opened any more.
    draining: AtomicBool,
    /// Tasks that hold a client's connection.
    tasks: AtomicUsize,
    task_ended: Notify,
    refusing: AtomicUsize,
}

/// How many sessions are open, by what limits them.
#[derive(Debug, Default)]
struct Counts {
    projects: HashMap<ProjectId, u32>,
    /// Only keys whose leash has `max_sessions`.
    temporary_keys: HashMap<TemporaryKeyId, u32>,
}

impl Registry {
    /// An empty registry whose sessions keep these times.
    pub fn new(times: SessionTimes) -> Self {
        Self(Arc::new(Inner { times, ..Inner::default() }))
    }

    /// The times of its sessions.
    pub fn times(&self) -> &SessionTimes {
        &self.0.times
    }

    /// How many sessions are open.
    pub fn count(&self) -> usize {
        self.0.sessions.len()
    }

    /// Where each open session is, and what it is for.
    pub fn places(&self) -> Vec<(Region, Product)> {
        let sessions = self.0.sessions.pin();
        sessions.values().map(|session| (session.facts.region, session.facts.product)).collect()
    }

    /// How many places in the projects' quotas are taken: by open sessions, and by those that an engine is being asked for.
    pub fn places_taken(&self) -> usize {
        self.0.counts().projects.values().map(|taken| *taken as usize).sum()
    }

    /// How many connections of clients are open for realtime: sessions, and those that are being refused or ended.
    pub fn tasks(&self) -> usize {
        self.0.tasks.load(Ordering::SeqCst)
    }

    /// Whether the gateway is stopping.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::SeqCst)
    }

    /// Ends the sessions that these changes concern and whose principal isn't good any more. When it returns, no
    /// byte of theirs is forwarded any more. The tables must have the changes already.
    pub fn on_change(&self, changes: &[Change], tables: &Tables, now: Timestamp) {
        let concerned = Concerned::by(changes);
        if !concerned.is_empty() {
            self.check(tables, now, |principal| concerned.contains(principal));
        }
    }

    /// The same for every session, after a snapshot.
    pub fn enforce(&self, tables: &Tables, now: Timestamp) {
        self.check(tables, now, |_| true);
    }

    fn check(&self, tables: &Tables, now: Timestamp, concerns: impl Fn(&Principal) -> bool) {
        for (_, session) in &self.0.sessions.pin() {
            if !concerns(&session.facts.principal) {
                continue;
            }
            match tables.still_good(&session.facts.principal, now) {
                Ok(()) => session.rearm(),
                Err(refusal) => session.end(Ending::lost(&refusal)),
            }
        }
    }

    /// Ends one session of a workspace by an operator's wish. Returns whether there is one.
    pub fn end(&self, workspace_id: WorkspaceId, session_id: SessionId, reason: &str) -> bool {
        let sessions = self.0.sessions.pin();
        let session = sessions
            .get(&session_id)
            .filter(|session| session.facts.principal.workspace_id() == workspace_id);
        let Some(session) = session else { return false };
        session.end(Ending::refused(&Refusal::new(Reason::SessionEnded, reason.to_owned())));
        true
    }

    /// The open sessions that a filter lets through, oldest first.
    pub fn list(&self, filter: &SessionFilter) -> Vec<SessionInfo> {
        let sessions = self.0.sessions.pin();
        if let Some(id) = filter.session_id {
            let session = sessions.get(&id).filter(|session| lets_through(filter, session));
            return session.map(|session| session.info()).into_iter().collect();
        }
        let mut list: Vec<_> = sessions
            .values()
            .filter(|session| lets_through(filter, session))
            .map(|session| session.info())
            .collect();
        list.sort_unstable_by_key(|info| (info.started_at, info.session_id));
        list
    }

    /// Opens nothing any more, waits at most `grace` for what is open to end by itself, then ends it, and returns
    /// when all connections are closed.
    pub async fn drain(&self, grace: Duration) {
        self.0.draining.store(true, Ordering::SeqCst);
        if tokio::time::timeout(grace, self.all_ended()).await.is_ok() {
            return;
        }
        self.0.sessions.pin().values().for_each(|session| session.end(Ending::shutdown()));
        // Every ending is bounded by the times of a session; a second more is for the machine.
        let bound = self.times().linger_max + self.times().first_frame_max + Duration::from_secs(1);
        let _ = tokio::time::timeout(bound, self.all_ended()).await;
    }

    async fn all_ended(&self) {
        loop {
            let ended = self.0.task_ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.0.tasks.load(Ordering::SeqCst) == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Refuses once the gateway is stopping.
    pub(crate) fn accepting(&self) -> Result<(), Refusal> {
        if self.is_draining() {
            let refusal = Refusal::new(Reason::EngineDown, "The gateway is shutting down. Connect again.");
            return Err(refusal.retry_after(1));
        }
        Ok(())
    }

    /// Takes a place among the sessions of a project. Returns it with the number of places taken, this one
    /// included. Dropping it gives it back.
    ///
    /// # Errors
    /// When the project or the temporary key has as many sessions as it may have, or the gateway is stopping.
    pub(crate) fn reserve(&self, principal: &Principal) -> Result<(Slot, u32), Refusal> {
        self.accepting()?;
        let project_id = principal.project_id();
        let limited_key = principal.temporary_key_id().zip(principal.leash().max_sessions);
        let mut counts = self.0.counts();
        let project_max = principal.limits().concurrent_sessions_max;
        let project_open = counts.projects.get(&project_id).copied().unwrap_or(0);
        if project_open >= project_max {
            return Err(project_full(project_open, project_max));
        }
        if let Some((key, max)) = limited_key {
            let open = counts.temporary_keys.get(&key).copied().unwrap_or(0);
            if open >= max {
                return Err(temporary_key_full(open, max));
            }
            counts.temporary_keys.insert(key, open + 1);
        }
        counts.projects.insert(project_id, project_open + 1);
        let slot = Slot {
            inner: self.0.clone(),
            project_id,
            temporary_key_id: limited_key.map(|(key, _)| key),
            session_id: None,
        };
        Ok((slot, project_open + 1))
    }

    /// Enters a session. From here on it is found by what concerns it, and it must be checked once more: a change
    /// that was applied before this has not found it.
    pub(crate) fn enter(&self, mut slot: Slot, facts: Facts) -> OpenSession {
        slot.session_id = Some(facts.id);
        let id = facts.id;
        let session = Arc::new(Session::new(facts, slot));
        self.0.sessions.pin().insert(id, session.clone());
        OpenSession(session)
    }

    /// Counts a task that holds a client's connection, until the guard is dropped.
    pub(crate) fn task(&self) -> TaskGuard {
        self.0.tasks.fetch_add(1, Ordering::SeqCst);
        TaskGuard(self.0.clone())
    }

    /// Takes one of the places for in-band refusals, if there is one.
    pub(crate) fn refusing(&self) -> Option<RefusingGuard> {
        let take = |taken| (taken < REFUSING_MAX).then_some(taken + 1);
        let took = self.0.refusing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        took.is_ok().then(|| RefusingGuard(self.0.clone()))
    }
}

impl Inner {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session in the hands of its task: when the task ends, however it ends, the session's place is free.
#[derive(Debug)]
pub(crate) struct OpenSession(Arc<Session>);

impl std::ops::Deref for OpenSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.gate().release();
    }
}

/// A place among the sessions of a project, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    inner: Arc<Inner>,
    project_id: ProjectId,
    temporary_key_id: Option<TemporaryKeyId>,
    /// The session that was entered with it.
    session_id: Option<SessionId>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(id) = self.session_id {
            self.inner.sessions.pin().remove(&id);
        }
        let mut counts = self.inner.counts();
        lower(&mut counts.projects, self.project_id);
        if let Some(key) = self.temporary_key_id {
            lower(&mut counts.temporary_keys, key);
        }
    }
}

fn lower<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
    if let std::collections::hash_map::Entry::Occupied(mut entry) = counts.entry(key) {
        match entry.get().saturating_sub(1) {
            0 => drop(entry.remove()),
            left => drop(entry.insert(left)),
        }
    }
}

/// Counts a task while it lives.
#[derive(Debug)]
pub(crate) struct TaskGuard(Arc<Inner>);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.tasks.fetch_sub(1, Ordering::SeqCst);
        self.0.task_ended.notify_waiters();
    }
}

/// Counts an in-band refusal while it lives.
#[derive(Debug)]
pub(crate) struct RefusingGuard(Arc<Inner>);

impl Drop for RefusingGuard {
    fn drop(&mut self) {
        self.0.refusing.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lets_through(filter: &SessionFilter, session: &Session) -> bool {
    let principal = &session.facts.principal;
    filter.workspace_id.is_none_or(|id| id == principal.workspace_id())
        && filter.project_id.is_none_or(|id| id == principal.project_id())
        && filter.api_key_id.is_none_or(|id| id == principal.api_key_id())
        && filter.region.is_none_or(|region| region == session.facts.region)
        && filter.client_ref.as_ref().is_none_or(|client_ref| Some(client_ref) == principal.client_ref())
}

fn project_full(open: u32, max: u32) -> Refusal {
    Refusal::new(
        Reason::SessionsFull,
        format!(
            "Concurrent Quota Exceeded: {open} of {max} sessions of this project are open. Close one and try again."
        ),
    )
    .retry_after(5)
}

fn temporary_key_full(open: u32, max: u32) -> Refusal {
    Refusal::new(
        Reason::SessionsFull,
        format!(
            "Concurrent Quota Exceeded: {open} of {max} sessions of this temporary key are open. Close one and try again."
        ),
    )
    .retry_after(5)
}
