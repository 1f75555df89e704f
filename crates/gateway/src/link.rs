//! The feed's receiving end: applies changes, enforces them on open sessions, and only then says so. Usage goes the other way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use domain::link::{Change, FromGateway, HEARTBEAT_SECONDS, Revision, SessionEvent, ToGateway, UsageRecord};
use domain::{Clock, Reason, Refusal, Region, Timestamp};
use ledger::{Ledger, UsageBatch};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use crate::meter::{self, Drained};
use crate::{Gateway, booking, quota};

/// How often usage is journalled and sent. A kill loses what came since: half a second at most, with the time that writing takes.
const USAGE_MILLIS: u64 = 250;
/// Sessions that began or ended and wait for a ledger that fails; older ones are dropped.
const HELD_SESSIONS_MAX: usize = 100_000;
/// Batches that are read at once to be sent.
const BATCHES_AT_ONCE_MAX: u64 = 64;
/// How long control may say nothing before it counts as away, in seconds: some heartbeats.
const SILENCE_SECONDS_MAX: u64 = 3 * HEARTBEAT_SECONDS;
/// How often revocations of keys that have expired since are forgotten, in rounds of usage.
const FORGET_ROUNDS: u64 = 240;

/// A gateway's end of the link to the control plane.
#[derive(Debug)]
pub struct GatewayLink {
    /// What control says. The first message is a snapshot.
    pub incoming: mpsc::Receiver<ToGateway>,
    /// What the gateway says.
    pub outgoing: mpsc::Sender<FromGateway>,
}

/// What is known of the link itself.
#[derive(Debug, Default)]
pub(crate) struct LinkState {
    loaded: AtomicBool,
    /// When control was last heard, in microseconds.
    heard_micros: AtomicI64,
    /// Whether control counts as away: heartbeats were missed, or the link broke. Only then does the age of what was heard
    /// matter, so that a clock that jumps shuts nobody out.
    away: AtomicBool,
}

/// The feed as its receiving end sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feed {
    /// Whether a snapshot was ever applied.
    pub is_loaded: bool,
    /// Whether control counts as away.
    pub is_away: bool,
    /// Whether it has been away for too long: everything is refused.
    pub is_stale: bool,
    /// When control was last heard.
    pub heard_at: Option<Timestamp>,
    /// The newest revision that is enforced.
    pub revision: Revision,
    /// Changes that could not be applied.
    pub skipped: u64,
}

impl LinkState {
    pub(crate) fn fresh(&self, now: Timestamp, staleness_seconds_max: u64) -> Result<(), Refusal> {
        if !self.loaded.load(Ordering::Acquire) {
            let detail = "The gateway has not heard from the control plane yet. Try again soon.";
            return Err(Refusal::new(Reason::Stale, detail).retry_after(1));
        }
        if self.away.load(Ordering::Acquire) && self.unheard_micros(now) > limit_micros(staleness_seconds_max)
        {
            let detail =
                "The gateway has not heard from the control plane for too long to know who may enter.";
            return Err(Refusal::new(Reason::Stale, detail).retry_after(60));
        }
        Ok(())
    }

    fn unheard_micros(&self, now: Timestamp) -> i64 {
        now.as_micros().saturating_sub(self.heard_micros.load(Ordering::Acquire))
    }

    /// Waits for what control says, and notes when it says nothing of who may enter for too long. None when the link is broken.
    async fn hear(&self, ear: &mut Ear, clock: &dyn Clock) -> Option<ToGateway> {
        loop {
            match tokio::time::timeout_at(ear.deadline, ear.incoming.recv()).await {
                Ok(Some(message)) if tells_who_may_enter(&message) => {
                    ear.deadline = Instant::now() + ear.patience;
                    self.heard_micros.store(clock.now().as_micros(), Ordering::Release);
                    if self.away.swap(false, Ordering::AcqRel) {
                        tracing::info!("the control plane is back");
                    }
                    return Some(message);
                }
                Ok(Some(message)) => {
                    if Instant::now() > ear.deadline {
                        self.lose();
                    }
                    return Some(message);
                }
                Ok(None) => {
                    self.lose();
                    return None;
                }
                Err(_) => {
                    ear.deadline = Instant::now() + ear.patience;
                    self.lose();
                }
            }
        }
    }

    fn lose(&self) {
        if !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!("the control plane is away; keys are still verified from what is known");
        }
    }
}

/// Listens to control.
#[derive(Debug)]
struct Ear {
    incoming: mpsc::Receiver<ToGateway>,
    /// How long control may say nothing of who may enter.
    patience: Duration,
    /// Until when it should have.
    deadline: Instant,
}

impl Ear {
    fn new(incoming: mpsc::Receiver<ToGateway>, patience: Duration) -> Self {
        Self { incoming, patience, deadline: Instant::now() + patience }
    }
}

/// Whether a message says what is allowed at present. A control plane that lost its database may still ask questions.
const fn tells_who_may_enter(message: &ToGateway) -> bool {
    match message {
        ToGateway::Snapshot(_) | ToGateway::Change { .. } | ToGateway::Heartbeat { .. } => true,
        ToGateway::EndSession { .. } | ToGateway::UsageCounted { .. } | ToGateway::ListSessions { .. } => {
            false
        }
    }
}

fn limit_micros(staleness_seconds_max: u64) -> i64 {
    i64::try_from(staleness_seconds_max).unwrap_or(i64::MAX).saturating_mul(1_000_000)
}

/// How the feed is.
pub(crate) fn feed(gateway: &Gateway, now: Timestamp) -> Feed {
    let link = &gateway.link;
    let heard = link.heard_micros.load(Ordering::Acquire);
    let is_away = link.away.load(Ordering::Acquire);
    let limit = limit_micros(gateway.config.limits.staleness_seconds_max);
    Feed {
        is_loaded: link.loaded.load(Ordering::Acquire),
        is_away,
        is_stale: is_away && link.unheard_micros(now) > limit,
        heard_at: (heard != 0).then(|| Timestamp::from_micros(heard)),
        revision: gateway.tables.revision(),
        skipped: gateway.tables.skipped(),
    }
}

/// Starts following the link.
pub(crate) fn spawn(gateway: &Arc<Gateway>, link: GatewayLink) {
    let GatewayLink { incoming, outgoing } = link;
    gateway.link.heard_micros.store(gateway.now().as_micros(), Ordering::Release);
    if gateway.tables.revision().0 > 0 {
        gateway.link.loaded.store(true, Ordering::Release);
    }
    let (counted, newly_counted) = watch::channel(0);
    gateway.tasks.spawn(forget_counted(gateway.clone(), newly_counted));
    gateway.tasks.spawn(follow(gateway.clone(), incoming, outgoing.clone(), counted));
    gateway.tasks.spawn(send_usage(gateway.clone(), outgoing));
}

/// Hears what control says and does it at once. Nothing here waits for a ledger: whatever is written there, a revocation would be
/// late by it.
async fn follow(
    gateway: Arc<Gateway>,
    incoming: mpsc::Receiver<ToGateway>,
    outgoing: mpsc::Sender<FromGateway>,
    counted: watch::Sender<u64>,
) {
    let stop = gateway.stopping();
    let mut ear = Ear::new(incoming, Duration::from_secs(SILENCE_SECONDS_MAX));
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = gateway.link.hear(&mut ear, gateway.clock.as_ref()) => message,
        };
        let Some(message) = message else { return };
        if let Some(answer) = take(&gateway, message, &counted)
            && outgoing.send(answer).await.is_err()
        {
            gateway.link.lose();
            return;
        }
    }
}

/// Does what a message says. Everything that it asks for is enforced when this returns.
fn take(gateway: &Gateway, message: ToGateway, counted: &watch::Sender<u64>) -> Option<FromGateway> {
    match message {
        ToGateway::Snapshot(snapshot) => {
            gateway.tables.load(&snapshot);
            gateway.sessions.enforce(&gateway.tables, gateway.now());
            gateway.uploads.enforce(&gateway.tables, gateway.now());
            resize_quotas(gateway);
            gateway.link.loaded.store(true, Ordering::Release);
            Some(FromGateway::Applied { revision: snapshot.revision })
        }
        ToGateway::Change { revision, changes } => {
            gateway.tables.apply(revision, &changes);
            gateway.sessions.on_change(&changes, &gateway.tables, gateway.now());
            gateway.uploads.on_change(&changes, &gateway.tables, gateway.now());
            if changes.iter().any(resizes_quotas) {
                resize_quotas(gateway);
            }
            Some(FromGateway::Applied { revision })
        }
        ToGateway::Heartbeat { .. } => Some(FromGateway::Applied { revision: gateway.tables.revision() }),
        ToGateway::EndSession { workspace_id, session_id, reason } => {
            gateway.sessions.end(workspace_id, session_id, &reason);
            None
        }
        ToGateway::UsageCounted { number } => {
            // The same number again is tried again: the ledger may have failed.
            counted.send_if_modified(|largest| {
                let is_news = number >= *largest;
                *largest = number.max(*largest);
                is_news
            });
            None
        }
        ToGateway::ListSessions { request, filter } => {
            let sessions = gateway.sessions.list(&filter);
            Some(FromGateway::Sessions { request, sessions })
        }
    }
}

/// Forgets the usage that control has counted, up to the largest number that it has told of, until nobody tells any more.
async fn forget_counted(gateway: Arc<Gateway>, mut counted: watch::Receiver<u64>) {
    while counted.changed().await.is_ok() {
        let number = *counted.borrow_and_update();
        if let Some(journal) = quota::home(&gateway)
            && let Err(error) = journal.usage_counted(number).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "counted usage could not be dropped");
        }
    }
}

const fn resizes_quotas(change: &Change) -> bool {
    matches!(change, Change::Quota { .. } | Change::Workspace { .. })
}

fn resize_quotas(gateway: &Gateway) {
    gateway.budgets.resize(|project_id, subject| gateway.tables.audio_seconds_max(project_id, subject));
}

async fn send_usage(gateway: Arc<Gateway>, outgoing: mpsc::Sender<FromGateway>) {
    let stop = gateway.stopping();
    let mut tick = tokio::time::interval(Duration::from_millis(USAGE_MILLIS));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut usage = Usage::default();
    let mut health = Vec::new();
    let mut round: u64 = 0;
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            _ = tick.tick() => false,
        };
        usage.send(&gateway, &outgoing).await;
        if last {
            return;
        }
        send_health(&gateway, &outgoing, &mut health);
        round += 1;
        if round.is_multiple_of(FORGET_ROUNDS) {
            gateway.tables.forget_expired(gateway.now());
        }
    }
}

/// What is known of the journal of usage.
#[derive(Debug)]
struct Usage {
    /// What could not be journalled yet.
    held: Vec<UsageRecord>,
    /// The same for sessions that began or ended.
    held_sessions: Vec<SessionEvent>,
    /// The number of the last batch that was sent.
    sent: u64,
    /// Whether the sessions that a former run left open are told of as ended.
    has_ended_former: bool,
    /// Whether there may be batches after it; at the start those that a former run journalled and control has not counted.
    /// Control knows the numbers that it has.
    is_waiting: bool,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            held_sessions: Vec::new(),
            sent: 0,
            has_ended_former: false,
            is_waiting: true,
        }
    }
}

impl Usage {
    /// Journals what was counted since the last time, and sends what is in the journal.
    async fn send(&mut self, gateway: &Gateway, outgoing: &mpsc::Sender<FromGateway>) {
        let now = gateway.now();
        let drained = gateway.meter.drain(now);
        meter::merge(&mut self.held, drained.records);
        self.held_sessions.extend(gateway.meter.take_sessions());
        let Some(journal) = quota::home(gateway) else { return };
        self.journal_sessions(journal, now).await;
        if !self.held.is_empty() {
            match journal.journal_usage(&self.held).await {
                Ok(_) => {
                    self.held.clear();
                    self.is_waiting = true;
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "usage could not be journalled; it is tried again"
                    );
                }
            }
        }
        self.is_waiting |= booking::book(gateway, now).await;
        if self.is_waiting {
            self.is_waiting = !self.send_waiting(journal, outgoing).await;
        }
        if !drained.last_used.is_empty() {
            let Drained { last_used: keys, temporary_last_used: temporary_keys, .. } = drained;
            drop(outgoing.try_send(FromGateway::LastUsed { keys, temporary_keys }));
        }
    }

    async fn journal_sessions(&mut self, journal: &Ledger, now: Timestamp) {
        if !self.has_ended_former {
            match journal.end_sessions_left_open(now).await {
                Ok(0) => {}
                Ok(count) => tracing::warn!(count, "sessions were open when this gateway last stopped"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "what sessions were open can't be read; it is tried again");
                    return;
                }
            }
            self.has_ended_former = true;
        }
        // What can't be kept for long isn't: usage has the sums.
        let beyond = self.held_sessions.len().saturating_sub(HELD_SESSIONS_MAX);
        self.held_sessions.drain(..beyond);
        if self.held_sessions.is_empty() {
            return;
        }
        match journal.journal_sessions(&self.held_sessions).await {
            Ok(_) => {
                self.held_sessions.clear();
                self.is_waiting = true;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "sessions could not be journalled; it is tried again"
                );
            }
        }
    }

    /// Sends the batches after the last one, in order, as far as the link takes them. Returns whether that was all. A full or
    /// broken link loses nothing: they are in the journal.
    async fn send_waiting(&mut self, journal: &Ledger, outgoing: &mpsc::Sender<FromGateway>) -> bool {
        loop {
            let batches = match journal.uncounted_usage(self.sent, BATCHES_AT_ONCE_MAX).await {
                Ok(batches) => batches,
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "journalled usage can't be read"
                    );
                    return false;
                }
            };
            if batches.is_empty() {
                return true;
            }
            for UsageBatch { number, records, sessions } in batches {
                let message = if sessions.is_empty() {
                    FromGateway::UsageBatch { number, records }
                } else {
                    FromGateway::SessionEvents { number, events: sessions }
                };
                if outgoing.try_send(message).is_err() {
                    return false;
                }
                self.sent = number;
            }
        }
    }
}

fn send_health(gateway: &Gateway, outgoing: &mpsc::Sender<FromGateway>, known: &mut Vec<(Region, bool)>) {
    let mut engines: Vec<(Region, bool)> = gateway
        .batch_sites()
        .filter_map(|site| Some((site.config.region, site.engine.as_ref()?.answers())))
        .collect();
    engines.sort_by_key(|(region, _)| *region);
    if engines != *known && outgoing.try_send(FromGateway::Health { engines: engines.clone() }).is_ok() {
        *known = engines;
    }
}

#[cfg(test)]
mod tests {
    use domain::ManualClock;

    use super::*;

    const LIMIT_SECONDS: u64 = 24 * 3600;

    fn heartbeat() -> ToGateway {
        ToGateway::Heartbeat { newest: Revision(1) }
    }

    /// A gateway that hears nothing for too long lets nobody in, though its link looks whole; it does again once control is back.
    #[tokio::test]
    async fn silence_makes_stale() {
        let clock = ManualClock::new(Timestamp::from_seconds(1_000_000));
        let link = LinkState::default();
        link.loaded.store(true, Ordering::Release);
        let (control, incoming) = mpsc::channel(1);
        let mut ear = Ear::new(incoming, Duration::from_millis(5));
        control.send(heartbeat()).await.unwrap();
        link.hear(&mut ear, &clock).await.unwrap();

        // A clock that jumps while control is heard shuts nobody out.
        clock.advance_seconds(10 * LIMIT_SECONDS as i64);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok());
        control.send(heartbeat()).await.unwrap();
        link.hear(&mut ear, &clock).await.unwrap();

        tokio::select! {
            _ = link.hear(&mut ear, &clock) => panic!("nothing was said"),
            () = async { while !link.away.load(Ordering::Acquire) { tokio::task::yield_now().await } } => {}
        }
        clock.advance_seconds(LIMIT_SECONDS as i64);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok(), "as long as it may");
        clock.advance_seconds(1);
        assert_eq!(link.fresh(clock.now(), LIMIT_SECONDS).unwrap_err().reason, Reason::Stale);

        control.send(heartbeat()).await.unwrap();
        link.hear(&mut ear, &clock).await.unwrap();
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok());

        // Questions are no news: whoever asks may have lost its database.
        let question = || ToGateway::UsageCounted { number: 1 };
        while !link.away.load(Ordering::Acquire) {
            control.send(question()).await.unwrap();
            link.hear(&mut ear, &clock).await.unwrap();
        }
        clock.advance_seconds(LIMIT_SECONDS as i64 + 1);
        assert_eq!(link.fresh(clock.now(), LIMIT_SECONDS).unwrap_err().reason, Reason::Stale);

        drop(control);
        assert!(link.hear(&mut ear, &clock).await.is_none());
        clock.advance_seconds(LIMIT_SECONDS as i64 + 1);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_err());
    }
}
