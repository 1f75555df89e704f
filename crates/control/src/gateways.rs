//! The feed's sending end: what control calls to reach the gateways.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::link::{Change, FromGateway, Revision, SessionFilter, SessionInfo, ToGateway};
use domain::{Clock, Region, Rng, SessionId, Timestamp, WorkspaceId};
use storage::Store;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::gateway_link::{self, Member};
use crate::last_used::LastUsed;

/// How long to wait until gateways enforce a change.
const ENFORCE_SECONDS_MAX: u64 = 10;
/// How long to wait for gateways to list their sessions.
const LIST_SECONDS_MAX: u64 = 5;
/// Endings under way to one gateway: fewer than the messages that may wait for it.
const ENDINGS_UNDER_WAY_MAX: usize = 2_000;
/// Messages under way to a gateway of this process.
const INCOMING_MESSAGES_MAX: usize = 256;
/// Messages under way from a gateway of this process.
const OUTGOING_MESSAGES_MAX: usize = 1024;

/// One gateway's end of the link, in one process.
#[derive(Debug)]
pub struct GatewayPort {
    /// What control says. The first message is a snapshot. It ends when control does.
    pub incoming: mpsc::Receiver<ToGateway>,
    /// What the gateway says.
    pub outgoing: mpsc::Sender<FromGateway>,
}

/// Which gateways enforce a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforced {
    /// Those that do.
    pub enforced: Vec<String>,
    /// Those that didn't say so in time.
    pub pending: Vec<String>,
}

/// What is known of one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayHealth {
    /// Its name.
    pub name: String,
    /// The newest revision that it enforces.
    pub enforced: Revision,
    /// The newest revision that there is.
    pub newest: Revision,
    /// When it last said anything; it does at every heartbeat.
    pub heard_at: Option<Timestamp>,
    /// Its regions and whether their engines answer.
    pub engines: Vec<(Region, bool)>,
}

/// What is open.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSessions {
    /// The sessions, oldest first.
    pub sessions: Vec<SessionInfo>,
    /// Gateways that didn't answer in time: theirs are missing.
    pub pending: Vec<String>,
}

/// An open session, and the gateway that carries it.
#[derive(Debug)]
pub(crate) struct FoundSession {
    member: Arc<Member>,
    /// What is known of it.
    pub(crate) info: SessionInfo,
}

/// The connected gateways.
#[derive(Debug)]
pub struct Gateways {
    shared: Arc<Shared>,
}

/// Who waits for a gateway's sessions, by the request and the gateway.
type Questions = HashMap<(u64, u64), oneshot::Sender<Vec<SessionInfo>>>;

/// What gateways and the tasks that serve them share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) last_used: Arc<LastUsed>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    members: Mutex<Vec<Arc<Member>>>,
    /// Counts everything that a waiter may wait for: a revision that is enforced, a gateway that left.
    progress: watch::Sender<u64>,
    questions: Mutex<Questions>,
    next_number: AtomicU64,
    newest: AtomicU64,
    /// How often it was found out what other nodes change. Where nobody else can change anything, nobody looks.
    followed: AtomicU64,
}

impl Gateways {
    pub(crate) fn new(
        store: Store,
        last_used: Arc<LastUsed>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let shared = Shared {
            store,
            last_used,
            clock,
            rng,
            members: Mutex::default(),
            progress: watch::Sender::new(0),
            questions: Mutex::default(),
            next_number: AtomicU64::new(1),
            newest: AtomicU64::new(0),
            followed: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Connects a gateway of this process; it is served by tasks of the present runtime. Its name should be like
    /// `eu1/a`, and must be the same at every start: usage is counted by it.
    pub fn attach(&self, name: &str) -> GatewayPort {
        self.attach_with_journal(name, name)
    }

    /// The same, where its usage is numbered by a journal of another name: gateways of one name on several nodes that share a
    /// database each have a journal of their own, or share one.
    pub fn attach_with_journal(&self, name: &str, journal: &str) -> GatewayPort {
        let (to_gateway, incoming) = mpsc::channel(INCOMING_MESSAGES_MAX);
        let (outgoing, from_gateway) = mpsc::channel(OUTGOING_MESSAGES_MAX);
        let member = Arc::new(Member::new(self.shared.number(), name, journal));
        self.shared.members().push(Arc::clone(&member));
        gateway_link::serve(&self.shared, &member, to_gateway, from_gateway);
        GatewayPort { incoming, outgoing }
    }

    /// Sends a change to every gateway. Called in the order of revisions.
    pub(crate) fn send_change(&self, revision: Revision, changes: &Arc<[Change]>) {
        self.shared.note_newest(revision);
        for member in self.shared.members().iter() {
            member.send(ToGateway::Change { revision, changes: Arc::clone(changes) });
        }
    }

    /// Notes that what other nodes change is known up to now.
    pub(crate) fn note_followed(&self) {
        self.shared.followed.fetch_add(1, Ordering::AcqRel);
    }

    /// Sends a snapshot to every gateway.
    pub(crate) fn send_snapshots(&self) {
        self.shared.members().iter().for_each(|member| member.resync());
    }

    /// Lets every gateway go; each sees the end of its messages.
    pub(crate) fn disconnect(&self) {
        self.shared.members().drain(..).for_each(|member| member.leave());
        self.shared.progressed();
    }

    /// Waits until the gateways of this process enforce a revision, and complains about those that don't in time.
    pub(crate) async fn wait_applied(&self, revision: Revision) {
        let pending = self.wait_enforced(revision).await.pending;
        if !pending.is_empty() {
            tracing::warn!(%revision, gateways = ?pending, "gateways don't enforce this revision yet");
        }
    }

    /// Waits until every connected gateway enforces a revision, 10 s at most.
    pub async fn wait_enforced(&self, revision: Revision) -> Enforced {
        let deadline = Instant::now() + Duration::from_secs(ENFORCE_SECONDS_MAX);
        let mut progress = self.shared.progress.subscribe();
        loop {
            let present = self.enforced(revision);
            if present.pending.is_empty() {
                return present;
            }
            if timeout_at(deadline, progress.changed()).await.is_err() {
                return self.enforced(revision);
            }
        }
    }

    fn enforced(&self, revision: Revision) -> Enforced {
        let members = self.shared.members();
        let (enforced, pending): (Vec<_>, Vec<_>) =
            members.iter().partition(|member| member.enforced() >= revision);
        let names =
            |members: Vec<&Arc<Member>>| members.into_iter().map(|member| member.name.clone()).collect();
        Enforced { enforced: names(enforced), pending: names(pending) }
    }

    /// What is known of each connected gateway.
    pub fn health(&self) -> Vec<GatewayHealth> {
        let describe = |member: &Arc<Member>| GatewayHealth {
            name: member.name.clone(),
            enforced: member.enforced(),
            newest: self.shared.newest(),
            heard_at: member.heard_at(),
            engines: member.engines(),
        };
        self.shared.members().iter().map(describe).collect()
    }

    /// The open sessions of a workspace, oldest first.
    pub async fn list_sessions(&self, workspace_id: WorkspaceId, filter: SessionFilter) -> OpenSessions {
        let filter = SessionFilter { workspace_id: Some(workspace_id), ..filter };
        let members: Vec<String> = self.shared.members().iter().map(|member| member.name.clone()).collect();
        let answers = self.ask_for_sessions(filter).await;
        let has_answered = |name: &String| answers.iter().any(|(member, _)| member.name == *name);
        let pending = members.into_iter().filter(|name| !has_answered(name)).collect();
        let mut sessions: Vec<_> = answers.into_iter().flat_map(|(_, sessions)| sessions).collect();
        sessions.sort_by_key(|session| (session.started_at, session.session_id));
        OpenSessions { sessions, pending }
    }

    /// An open session of a workspace, in the hands of whoever may end it; another's is unknown.
    pub(crate) async fn find_session(
        &self,
        workspace_id: WorkspaceId,
        session_id: SessionId,
    ) -> Option<FoundSession> {
        let filter = SessionFilter {
            workspace_id: Some(workspace_id),
            session_id: Some(session_id),
            ..SessionFilter::default()
        };
        let answers = self.ask_for_sessions(filter).await;
        answers.into_iter().find_map(|(member, sessions)| {
            let info = sessions.into_iter().find(|session| session.session_id == session_id)?;
            Some(FoundSession { member, info })
        })
    }

    /// Ends a session that was found. When this returns, its gateway has taken it, unless it answers too slowly.
    pub(crate) async fn end_session(&self, found: FoundSession, reason: &str) -> SessionInfo {
        let FoundSession { member, info } = found;
        let SessionInfo { workspace_id, session_id, .. } = info;
        member.send(ToGateway::EndSession { workspace_id, session_id, reason: reason.to_owned() });
        // A gateway takes what it is told in order, so its next answer says that it has taken this.
        let filter = SessionFilter { session_id: Some(session_id), ..SessionFilter::default() };
        self.ask_members(vec![member], filter).await;
        info
    }

    /// Ends the sessions of a workspace that a filter lets through, and says how many they were.
    pub(crate) async fn end_sessions(
        &self,
        workspace_id: WorkspaceId,
        filter: SessionFilter,
        reason: &str,
    ) -> usize {
        let filter = SessionFilter { workspace_id: Some(workspace_id), ..filter };
        let mut ended = 0;
        for (member, sessions) in self.ask_for_sessions(filter.clone()).await {
            // A gateway takes what it is told in order, so its next answer says that it has taken these.
            for some in sessions.chunks(ENDINGS_UNDER_WAY_MAX) {
                for session in some {
                    let (session_id, reason) = (session.session_id, reason.to_owned());
                    member.send(ToGateway::EndSession { workspace_id, session_id, reason });
                }
                self.ask_members(vec![Arc::clone(&member)], filter.clone()).await;
            }
            ended += sessions.len();
        }
        ended
    }

    /// How many sessions are open on each connected gateway that answers in time, whosever they are: for operators.
    pub async fn count_sessions(&self) -> Vec<(String, u64)> {
        let answers = self.ask_for_sessions(SessionFilter::default()).await;
        answers.into_iter().map(|(member, sessions)| (member.name.clone(), sessions.len() as u64)).collect()
    }

    async fn ask_for_sessions(&self, filter: SessionFilter) -> Vec<(Arc<Member>, Vec<SessionInfo>)> {
        let members = self.shared.members().clone();
        self.ask_members(members, filter).await
    }

    async fn ask_members(
        &self,
        members: Vec<Arc<Member>>,
        filter: SessionFilter,
    ) -> Vec<(Arc<Member>, Vec<SessionInfo>)> {
        let request = self.shared.number();
        let deadline = Instant::now() + Duration::from_secs(LIST_SECONDS_MAX);
        let asked: Vec<_> = members
            .into_iter()
            .map(|member| {
                let answer = self.shared.ask(request, member.number);
                member.send(ToGateway::ListSessions { request, filter: filter.clone() });
                (member, answer)
            })
            .collect();
        let mut answers = Vec::with_capacity(asked.len());
        for (member, answer) in asked {
            if let Ok(Ok(mut sessions)) = timeout_at(deadline, answer).await {
                sessions.retain(|session| filter.workspace_id.is_none_or(|id| session.workspace_id == id));
                answers.push((member, sessions));
            } else {
                self.shared.questions().remove(&(request, member.number));
            }
        }
        answers
    }
}

impl Shared {
    /// The newest revision that gateways were told of.
    pub(crate) fn newest(&self) -> Revision {
        Revision(self.newest.load(Ordering::Acquire))
    }

    pub(crate) fn note_newest(&self, revision: Revision) {
        self.newest.fetch_max(revision.0, Ordering::AcqRel);
    }

    /// Whether all that anybody changes is known, as far as one can tell since the last time that this was asked; `followed`
    /// is the asker's memory of it.
    pub(crate) fn is_up_to_date(&self, followed: &mut u64) -> bool {
        let before = std::mem::replace(followed, self.followed.load(Ordering::Acquire));
        !self.store.is_shared() || *followed != before
    }

    fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    fn members(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn questions(&self) -> MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: u64, member: u64) -> oneshot::Receiver<Vec<SessionInfo>> {
        let (sender, answer) = oneshot::channel();
        let mut questions = self.questions();
        // Those whose asker went away.
        questions.retain(|_, sender| !sender.is_closed());
        questions.insert((request, member), sender);
        drop(questions);
        answer
    }

    pub(crate) fn answer(&self, request: u64, member: u64, sessions: Vec<SessionInfo>) {
        // Nobody waits any more for an answer that is late.
        if let Some(question) = self.questions().remove(&(request, member)) {
            drop(question.send(sessions));
        }
    }

    pub(crate) fn progressed(&self) {
        self.progress.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Forgets a gateway that is gone.
    pub(crate) fn remove(&self, number: u64) {
        self.members().retain(|member| member.number != number);
        self.questions().retain(|(_, member), _| *member != number);
        self.progressed();
    }
}
