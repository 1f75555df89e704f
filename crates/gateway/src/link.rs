//! The feed's receiving end: applies changes, enforces them on open sessions, and only then says so. Usage goes the other way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use domain::link::{FromGateway, ToGateway};
use domain::{Reason, Refusal, Region, Timestamp};
use ledger::Ledger;
use tokio::sync::mpsc;

use crate::Gateway;

/// How often usage is journalled and sent.
const USAGE_MILLIS: u64 = 500;
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
    /// When the link broke, in microseconds; 0 while it stands.
    lost_micros: AtomicI64,
}

impl LinkState {
    pub(crate) fn fresh(&self, now: Timestamp, staleness_seconds_max: u64) -> Result<(), Refusal> {
        if !self.loaded.load(Ordering::Acquire) {
            let detail = "The gateway has not heard from the control plane yet. Try again soon.";
            return Err(Refusal::new(Reason::Stale, detail).retry_after(1));
        }
        let lost = self.lost_micros.load(Ordering::Acquire);
        let limit_micros = i64::try_from(staleness_seconds_max).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        if lost != 0 && now.as_micros().saturating_sub(lost) > limit_micros {
            let detail =
                "The gateway has not heard from the control plane for too long to know who may enter.";
            return Err(Refusal::new(Reason::Stale, detail).retry_after(60));
        }
        Ok(())
    }
}

/// Starts following the link.
pub(crate) fn spawn(gateway: &Arc<Gateway>, link: GatewayLink) {
    let GatewayLink { incoming, outgoing } = link;
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
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = incoming.recv() => message,
        };
        let Some(message) = message else { break };
        if let Some(answer) = take(&gateway, message).await
            && outgoing.send(answer).await.is_err()
        {
            break;
        }
    }
    tracing::warn!("the control plane is away; keys are still verified from what is known");
    gateway.link.lost_micros.store(gateway.now().as_micros().max(1), Ordering::Release);
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
        drop(outgoing.try_send(FromGateway::LastUsed { keys: drained.last_used }));
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
