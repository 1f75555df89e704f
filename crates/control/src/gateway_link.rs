//! One gateway's link: what waits to be sent to it, and the tasks that serve it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::link::{FromGateway, HEARTBEAT_SECONDS, Revision, SessionEvent, ToGateway, UsageRecord};
use domain::{Region, Timestamp, WebhookMessageId};
use storage::{BatchOutcome, BatchPlace, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::gateways::Shared;
use crate::webhook_events;

/// Messages that wait for a slow gateway; with more it gets a snapshot instead.
const WAITING_MESSAGES_MAX: usize = 10_000;
/// Usage batches under way to the store.
const USAGE_BATCHES_MAX: usize = 64;
/// How long to wait before a store that failed is asked again.
const RETRY_SECONDS: u64 = 1;

/// A connected gateway.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) number: u64,
    pub(crate) name: String,
    /// What numbers its usage.
    pub(crate) journal: String,
    waiting: Mutex<Waiting>,
    wake: Notify,
    enforced: AtomicU64,
    /// When it last said anything, in microseconds; 0 before that.
    heard_micros: AtomicI64,
    engines: Mutex<Vec<(Region, bool)>>,
}

/// What waits to be sent.
#[derive(Debug)]
struct Waiting {
    messages: VecDeque<ToGateway>,
    /// Whether a snapshot goes out before them.
    needs_snapshot: bool,
    is_leaving: bool,
}

/// What to do next.
enum Next {
    Snapshot,
    Message(ToGateway),
    Wait,
    Leave,
}

impl Member {
    /// A gateway that has nothing yet: it needs a snapshot first.
    pub(crate) fn new(number: u64, name: &str, journal: &str) -> Self {
        let waiting = Waiting { messages: VecDeque::new(), needs_snapshot: true, is_leaving: false };
        Self {
            number,
            name: name.to_owned(),
            journal: journal.to_owned(),
            waiting: Mutex::new(waiting),
            wake: Notify::new(),
            enforced: AtomicU64::new(0),
            heard_micros: AtomicI64::new(0),
            engines: Mutex::default(),
        }
    }

    /// Puts a message behind those that wait. Never blocks.
    pub(crate) fn send(&self, message: ToGateway) {
        let mut waiting = self.waiting();
        if waiting.messages.len() >= WAITING_MESSAGES_MAX {
            waiting.messages.retain(|message| !matches!(message, ToGateway::Change { .. }));
            waiting.needs_snapshot = true;
        }
        if waiting.messages.len() < WAITING_MESSAGES_MAX {
            waiting.messages.push_back(message);
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// Lets a snapshot go out next.
    pub(crate) fn resync(&self) {
        self.waiting().needs_snapshot = true;
        self.wake.notify_one();
    }

    /// Ends the link.
    pub(crate) fn leave(&self) {
        self.waiting().is_leaving = true;
        self.wake.notify_one();
    }

    /// The newest revision that the gateway enforces.
    pub(crate) fn enforced(&self) -> Revision {
        Revision(self.enforced.load(Ordering::Acquire))
    }

    /// When it last said anything.
    pub(crate) fn heard_at(&self) -> Option<Timestamp> {
        let micros = self.heard_micros.load(Ordering::Acquire);
        (micros != 0).then(|| Timestamp::from_micros(micros))
    }

    /// Its regions and whether their engines answer.
    pub(crate) fn engines(&self) -> Vec<(Region, bool)> {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn complain(&self, error: &StoreError, what: &'static str) {
        let error: &dyn std::error::Error = error;
        tracing::error!(error, gateway = %self.name, what, "the store failed; it is asked again");
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut waiting = self.waiting();
        if waiting.is_leaving {
            return Next::Leave;
        }
        if std::mem::take(&mut waiting.needs_snapshot) {
            return Next::Snapshot;
        }
        waiting.messages.pop_front().map_or(Next::Wait, Next::Message)
    }
}

/// Starts the tasks that serve a gateway; they end when it is gone, or when it is let go.
pub(crate) fn serve(
    shared: &Arc<Shared>,
    member: &Arc<Member>,
    to_gateway: mpsc::Sender<ToGateway>,
    from_gateway: mpsc::Receiver<FromGateway>,
) {
    let (usage, batches) = mpsc::channel(USAGE_BATCHES_MAX);
    tokio::spawn(send_messages(Arc::clone(shared), Arc::clone(member), to_gateway));
    tokio::spawn(take_messages(Arc::clone(shared), Arc::clone(member), from_gateway, usage));
    tokio::spawn(count_usage(Arc::clone(shared), Arc::clone(member), batches));
}

async fn send_messages(shared: Arc<Shared>, member: Arc<Member>, to_gateway: mpsc::Sender<ToGateway>) {
    let mut sent = Revision(0);
    let mut followed = 0;
    loop {
        let message = match member.next() {
            Next::Snapshot => match shared.store.snapshot().await {
                Ok(snapshot) => {
                    sent = snapshot.revision;
                    shared.note_newest(sent);
                    ToGateway::Snapshot(Arc::new(snapshot))
                }
                Err(error) => {
                    member.complain(&error, "there is no snapshot for this gateway");
                    member.resync();
                    sleep(Duration::from_secs(RETRY_SECONDS)).await;
                    continue;
                }
            },
            // What the snapshot holds is not sent again: an older state must not follow a newer one.
            Next::Message(ToGateway::Change { revision, .. }) if revision <= sent => continue,
            Next::Message(message) => message,
            Next::Wait => {
                tokio::select! {
                    () = member.wake.notified() => continue,
                    () = to_gateway.closed() => break,
                    () = sleep(Duration::from_secs(HEARTBEAT_SECONDS)) => {
                        // A heartbeat says that nothing else was revoked. Whoever can't see the database doesn't know that.
                        if !shared.is_up_to_date(&mut followed) {
                            continue;
                        }
                        ToGateway::Heartbeat { newest: shared.newest() }
                    }
                }
            }
            Next::Leave => break,
        };
        if let ToGateway::Change { revision, .. } = &message {
            sent = *revision;
        }
        if to_gateway.send(message).await.is_err() {
            break;
        }
    }
    shared.remove(member.number);
}

async fn take_messages(
    shared: Arc<Shared>,
    member: Arc<Member>,
    mut from_gateway: mpsc::Receiver<FromGateway>,
    usage: mpsc::Sender<(u64, Batch)>,
) {
    while let Some(message) = from_gateway.recv().await {
        member.heard_micros.store(shared.clock.now().as_micros(), Ordering::Release);
        match message {
            FromGateway::Applied { revision } => {
                member.enforced.fetch_max(revision.0, Ordering::AcqRel);
                shared.progressed();
            }
            FromGateway::Sessions { request, sessions } => shared.answer(request, member.number, sessions),
            FromGateway::UsageBatch { number, records } => {
                if usage.send((number, Batch::Usage(records))).await.is_err() {
                    break;
                }
            }
            FromGateway::SessionEvents { number, events } => {
                if usage.send((number, Batch::Sessions(events))).await.is_err() {
                    break;
                }
            }
            FromGateway::LastUsed { keys, temporary_keys } => {
                keys.into_iter().for_each(|(id, at)| shared.last_used.note_api_key(id, at));
                temporary_keys.into_iter().for_each(|(id, at)| shared.last_used.note_temporary_key(id, at));
            }
            FromGateway::Health { engines } => {
                *member.engines.lock().unwrap_or_else(PoisonError::into_inner) = engines;
            }
        }
    }
    // A gateway that says nothing any more can't be waited for.
    member.leave();
}

/// What a gateway has numbered.
enum Batch {
    Usage(Vec<UsageRecord>),
    Sessions(Vec<SessionEvent>),
}

/// Keeps a batch, unless it was kept before.
async fn count(shared: &Shared, place: BatchPlace<'_>, batch: &Batch) -> Result<BatchOutcome, StoreError> {
    let now = shared.clock.now();
    match batch {
        Batch::Usage(records) => shared.store.record_usage(place, records, now).await,
        Batch::Sessions(events) => {
            let messages: Vec<_> = events.iter().map(webhook_events::of_session).collect();
            let id = || WebhookMessageId::generate(now, &*shared.rng);
            shared.store.record_messages(place, &messages, id, now).await
        }
    }
}

/// Counts usage, each batch once and in order, and tells the gateway what it may forget.
async fn count_usage(shared: Arc<Shared>, member: Arc<Member>, mut batches: mpsc::Receiver<(u64, Batch)>) {
    let mut is_oldest = true;
    while let Some((number, batch)) = batches.recv().await {
        let place = BatchPlace { journal: &member.journal, number, is_oldest };
        let outcome = loop {
            match count(&shared, place, &batch).await {
                Ok(outcome) => break outcome,
                Err(error) => member.complain(&error, "its usage could not be counted"),
            }
            if member.waiting().is_leaving {
                // It stays in the gateway's journal, and is sent again when the gateway is back.
                return;
            }
            sleep(Duration::from_secs(RETRY_SECONDS)).await;
        };
        is_oldest = false;
        match outcome {
            BatchOutcome::Counted | BatchOutcome::CountedBefore => {
                member.send(ToGateway::UsageCounted { number });
            }
            // The gateway forgets everything up to the number that it is told, and one of these is missing.
            BatchOutcome::Early => tracing::error!(
                gateway = %member.name,
                number,
                "usage came before what it follows; it is counted when the gateway sends it again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(revision: u64) -> ToGateway {
        ToGateway::Change { revision: Revision(revision), changes: Arc::from([]) }
    }

    /// A gateway that reads nothing for long costs bounded memory: it gets a snapshot in place of what it missed. One
    /// that is only slow gets every change.
    #[test]
    fn a_gateway_that_is_far_behind_gets_a_snapshot() {
        let member = Member::new(1, "eu1/a", "eu1/a");
        assert!(matches!(member.next(), Next::Snapshot));
        for revision in 1..=WAITING_MESSAGES_MAX as u64 {
            member.send(change(revision));
        }
        assert!(matches!(member.next(), Next::Message(ToGateway::Change { revision: Revision(1), .. })));
        member.send(change(10_001));
        assert!(matches!(member.next(), Next::Message(ToGateway::Change { revision: Revision(2), .. })));
        member.send(change(10_002));
        member.send(ToGateway::UsageCounted { number: 7 });
        member.send(change(10_003));
        assert!(matches!(member.next(), Next::Snapshot), "it was full, so what waited was dropped");
        assert!(matches!(member.next(), Next::Message(ToGateway::UsageCounted { number: 7 })));
        assert!(matches!(member.next(), Next::Message(ToGateway::Change { revision: Revision(10_003), .. })));
        assert!(matches!(member.next(), Next::Wait));
        member.leave();
        assert!(matches!(member.next(), Next::Leave));
    }
}
