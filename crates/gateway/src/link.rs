//! The feed's receiving end: applies changes, enforces them on open sessions, and only then says so. Usage goes the other way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use domain::link::{FromGateway, HEARTBEAT_SECONDS, Revision, ToGateway};
use domain::{Clock, Reason, Refusal, Region, Timestamp};
use ledger::Ledger;
use tokio::sync::mpsc;

use crate::Gateway;
use crate::meter::Drained;

/// How often usage is journalled and sent.
const USAGE_MILLIS: u64 = 500;
/// How long control may say nothing before it counts as away, in seconds: some heartbeats.
const SILENCE_SECONDS_MAX: u64 = 3 * HEARTBEAT_SECONDS;
/// How often revocations of keys that have expired since are forgotten, in rounds of usage.
const FORGET_ROUNDS: u64 = 120;

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

    /// Waits for what control says, and notes when it says nothing for too long. None when the link is broken.
    async fn hear(
        &self,
        incoming: &mut mpsc::Receiver<ToGateway>,
        clock: &dyn Clock,
        patience: Duration,
    ) -> Option<ToGateway> {
        loop {
            match tokio::time::timeout(patience, incoming.recv()).await {
                Ok(Some(message)) => {
                    self.heard_micros.store(clock.now().as_micros(), Ordering::Release);
                    if self.away.swap(false, Ordering::AcqRel) {
                        tracing::info!("the control plane is back");
                    }
                    return Some(message);
                }
                Ok(None) => {
                    self.lose();
                    return None;
                }
                Err(_) => self.lose(),
            }
        }
    }

    fn lose(&self) {
        if !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!("the control plane is away; keys are still verified from what is known");
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
    gateway.tasks.spawn(follow(gateway.clone(), incoming, outgoing.clone()));
    gateway.tasks.spawn(send_usage(gateway.clone(), outgoing));
}

async fn follow(
    gateway: Arc<Gateway>,
    mut incoming: mpsc::Receiver<ToGateway>,
    outgoing: mpsc::Sender<FromGateway>,
) {
    let stop = gateway.stopping();
    let patience = Duration::from_secs(SILENCE_SECONDS_MAX);
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = gateway.link.hear(&mut incoming, gateway.clock.as_ref(), patience) => message,
        };
        let Some(message) = message else { return };
        if let Some(answer) = take(&gateway, message).await
            && outgoing.send(answer).await.is_err()
        {
            gateway.link.lose();
            return;
        }
    }
}

/// Does what a message says. Everything that it asks for is enforced when this returns.
async fn take(gateway: &Gateway, message: ToGateway) -> Option<FromGateway> {
    match message {
        ToGateway::Snapshot(snapshot) => {
            gateway.tables.load(&snapshot);
            gateway.sessions.enforce(&gateway.tables, gateway.now());
            gateway.link.loaded.store(true, Ordering::Release);
            Some(FromGateway::Applied { revision: snapshot.revision })
        }
        ToGateway::Change { revision, changes } => {
            gateway.tables.apply(revision, &changes);
            gateway.sessions.on_change(&changes, &gateway.tables, gateway.now());
            Some(FromGateway::Applied { revision })
        }
        ToGateway::Heartbeat { .. } => Some(FromGateway::Applied { revision: gateway.tables.revision() }),
        ToGateway::EndSession { workspace_id, session_id, reason } => {
            gateway.sessions.end(workspace_id, session_id, &reason);
            None
        }
        ToGateway::UsageCounted { number } => {
            if let Some(journal) = journal(gateway)
                && let Err(error) = journal.usage_counted(number).await
            {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "counted usage could not be dropped"
                );
            }
            None
        }
        ToGateway::ListSessions { request, filter } => {
            let sessions = gateway.sessions.list(&filter);
            Some(FromGateway::Sessions { request, sessions })
        }
    }
}

/// The ledger that keeps usage: that of the first region, always the same for the same configuration.
fn journal(gateway: &Gateway) -> Option<&Arc<Ledger>> {
    let first = gateway.batch_sites().min_by_key(|site| site.config.region)?;
    Some(&first.ledger)
}

async fn send_usage(gateway: Arc<Gateway>, outgoing: mpsc::Sender<FromGateway>) {
    let stop = gateway.stopping();
    resend_uncounted(&gateway, &outgoing).await;
    let mut health = Vec::new();
    let mut round: u64 = 0;
    loop {
        let last = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(Duration::from_millis(USAGE_MILLIS)) => false,
        };
        send_once(&gateway, &outgoing).await;
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

/// Sends what a former run journalled and control has not counted; control knows the numbers that it has.
async fn resend_uncounted(gateway: &Gateway, outgoing: &mpsc::Sender<FromGateway>) {
    let Some(journal) = journal(gateway) else { return };
    match journal.uncounted_usage().await {
        Ok(batches) => {
            for batch in batches {
                let message = FromGateway::UsageBatch { number: batch.number, records: batch.records };
                if outgoing.send(message).await.is_err() {
                    return;
                }
            }
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "journalled usage can't be read");
        }
    }
}

async fn send_once(gateway: &Gateway, outgoing: &mpsc::Sender<FromGateway>) {
    let drained = gateway.meter.drain(gateway.now());
    if !drained.records.is_empty()
        && let Some(journal) = journal(gateway)
    {
        match journal.journal_usage(&drained.records).await {
            // A full or broken link loses nothing: the batch is in the journal.
            Ok(number) => {
                drop(outgoing.try_send(FromGateway::UsageBatch { number, records: drained.records }));
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "usage could not be journalled");
            }
        }
    }
    if !drained.last_used.is_empty() {
        let Drained { last_used: keys, temporary_last_used: temporary_keys, .. } = drained;
        drop(outgoing.try_send(FromGateway::LastUsed { keys, temporary_keys }));
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
        let patience = Duration::from_millis(5);
        let clock = ManualClock::new(Timestamp::from_seconds(1_000_000));
        let link = LinkState::default();
        link.loaded.store(true, Ordering::Release);
        let (control, mut incoming) = mpsc::channel(1);
        control.send(heartbeat()).await.unwrap();
        link.hear(&mut incoming, &clock, patience).await.unwrap();

        // A clock that jumps while control is heard shuts nobody out.
        clock.advance_seconds(10 * LIMIT_SECONDS as i64);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok());
        control.send(heartbeat()).await.unwrap();
        link.hear(&mut incoming, &clock, patience).await.unwrap();

        tokio::select! {
            _ = link.hear(&mut incoming, &clock, patience) => panic!("nothing was said"),
            () = async { while !link.away.load(Ordering::Acquire) { tokio::task::yield_now().await } } => {}
        }
        clock.advance_seconds(LIMIT_SECONDS as i64);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok(), "as long as it may");
        clock.advance_seconds(1);
        assert_eq!(link.fresh(clock.now(), LIMIT_SECONDS).unwrap_err().reason, Reason::Stale);

        control.send(heartbeat()).await.unwrap();
        link.hear(&mut incoming, &clock, patience).await.unwrap();
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_ok());

        drop(control);
        assert!(link.hear(&mut incoming, &clock, patience).await.is_none());
        clock.advance_seconds(LIMIT_SECONDS as i64 + 1);
        assert!(link.fresh(clock.now(), LIMIT_SECONDS).is_err());
    }
}
