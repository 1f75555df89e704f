//! What a session's key limits over all its sessions, and over its messages, and the quotas that hold for it: checked, and counted
//! in a region's ledger, before the engine is asked.
//!
//! A key's counters are in one ledger of this process: that of the first region, in the fixed order of regions, that the key
//! may use and that has realtime here. So a process that serves all regions counts a key once, and split gateways count
//! it per region.

use std::sync::Arc;
use std::time::Duration;

use domain::{Reason, Refusal, Region, TemporaryKeyId, Timestamp};
use ledger::{LeashKey, Ledger, LedgerError};
use verify::Principal;

use super::budget::{self, Wanted};
use super::lock::Lock;
use super::route;
use super::share::Share;
use crate::Gateway;
use crate::quota::{self, Quota};

/// How long a key's counters are kept after nothing can use them, in seconds: clocks are set back at times.
const KEPT_SECONDS: i64 = 3600;

/// How often counters are forgotten, in seconds.
const FORGET_SECONDS: u64 = 3600;

/// What a session's messages are held to.
#[derive(Debug)]
pub(crate) struct Leashed {
    pub(crate) lock: Option<Lock>,
    pub(crate) share: Option<Share>,
}

/// A start that was counted; to be taken back if no session comes of it.
#[derive(Debug)]
pub(crate) struct Counted {
    ledger: Arc<Ledger>,
    id: TemporaryKeyId,
}

impl Leashed {
    /// Takes up what the key of a session limits in its messages; `None` for a key that limits nothing there.
    ///
    /// # Errors
    /// When the path breaks the lock, the audio budget is used up, or the ledger fails.
    pub(crate) async fn take_up(
        gateway: &Gateway,
        principal: &Principal,
        path: &str,
    ) -> Result<Option<Box<Self>>, Refusal> {
        let lock = lock(principal, path)?;
        let budgets = budgets(gateway, principal)?;
        let share = if budgets.is_empty() { None } else { Some(gateway.budgets.join(budgets).await?) };
        Ok((lock.is_some() || share.is_some()).then(|| Box::new(Self { lock, share })))
    }
}

/// What a session's messages must contain; its path says one of these things already.
fn lock(principal: &Principal, path: &str) -> Result<Option<Lock>, Refusal> {
    let lock = Lock::of(principal.leash())?;
    if let (Some(lock), Some(language)) = (&lock, route::language(path)) {
        lock.check_language(language)?;
    }
    Ok(lock)
}

/// Whether a start that comes too fast could begin later. Where it couldn't, that is what its client is told: it would wait for
/// nothing. Looks and counts nothing, so that whoever is too fast costs the ledger no write.
///
/// # Errors
/// When all starts are used, the path breaks the lock, or the ledger fails.
pub(crate) async fn may_start_later(
    gateway: &Gateway,
    principal: &Principal,
    path: &str,
) -> Result<(), Refusal> {
    if let Some(uses_max) = principal.leash().uses {
        let (ledger, key) = counters(gateway, principal)?;
        match ledger.may_start(key.id, uses_max).await {
            Ok(true) => {}
            Ok(false) => return Err(spent(uses_max)),
            Err(error) => return Err(uncounted(&ledger, &error)),
        }
    }
    lock(principal, path).map(drop)
}

/// Counts a start, durably, where the key has so many only.
///
/// # Errors
/// When all are used, or the ledger fails.
pub(crate) async fn count_start(
    gateway: &Gateway,
    principal: &Principal,
) -> Result<Option<Counted>, Refusal> {
    let Some(uses_max) = principal.leash().uses else { return Ok(None) };
    let (ledger, key) = counters(gateway, principal)?;
    match ledger.count_start(key, uses_max, gateway.now()).await {
        Ok(true) => Ok(Some(Counted { ledger, id: key.id })),
        Ok(false) => Err(spent(uses_max)),
        Err(error) => Err(uncounted(&ledger, &error)),
    }
}

fn uncounted(ledger: &Ledger, error: &LedgerError) -> Refusal {
    tracing::error!(region = %ledger.region(), error = error as &dyn std::error::Error, "a start could not be counted");
    budget::cannot_write()
}

impl Counted {
    /// Takes the start back: it was refused after all, or the engine gave no session.
    pub(crate) async fn take_back(self) {
        if let Err(error) = self.ledger.uncount_start(self.id).await {
            tracing::error!(region = %self.ledger.region(), error = &error as &dyn std::error::Error, "a start could not be taken back");
        }
    }
}

/// The budgets that a session draws from: its key's, and the quotas that hold for it.
fn budgets(gateway: &Gateway, principal: &Principal) -> Result<Vec<Wanted>, Refusal> {
    let project_id = principal.project_id();
    let mut budgets = Vec::new();
    if let Some(max_seconds) = principal.leash().max_audio_seconds {
        let (ledger, key) = counters(gateway, principal)?;
        budgets.push(Wanted { key: key.into(), max_seconds, project_id, keeper: gateway.keeper(&ledger) });
    }
    for Quota { key, audio_seconds_max } in quota::of_principal(gateway, principal, gateway.now()) {
        let ledger = quota::home(gateway).ok_or_else(quota::no_ledger)?;
        let keeper = gateway.keeper(ledger);
        budgets.push(Wanted { key, max_seconds: audio_seconds_max, project_id, keeper });
    }
    Ok(budgets)
}

/// Where a key's counters are.
fn counters(gateway: &Gateway, principal: &Principal) -> Result<(Arc<Ledger>, LeashKey), Refusal> {
    let is_usable = |region: Region| region.has_realtime() && principal.areas().contains(region.area());
    let home = Region::ALL.iter().copied().filter(|region| is_usable(*region)).find_map(|region| {
        let site = gateway.batch_site(region)?;
        site.config.realtime_upstream.is_some().then(|| site.ledger.clone())
    });
    let id_and_end = principal.temporary_key_id().zip(principal.expires_at());
    let ((id, expires_at), ledger) = id_and_end.zip(home).ok_or_else(|| {
        Refusal::new(Reason::Internal, "This gateway has no place to count what this temporary key uses.")
    })?;
    Ok((ledger, LeashKey { id, forget_at: forget_at(gateway, principal, expires_at) }))
}

/// When nothing can use a key's counters any more. Sessions may outlive their key, and go on using its audio.
fn forget_at(gateway: &Gateway, principal: &Principal, expires_at: Timestamp) -> Timestamp {
    let last_start = expires_at.plus_seconds(gateway.tables.leeway().expiry_seconds.into());
    let outlived = principal.leash().max_audio_seconds.is_some() && !principal.leash().end_at_expiry;
    let session_seconds = if outlived { gateway.sessions.times().session_max.as_secs() } else { 0 };
    last_start.plus_seconds(KEPT_SECONDS + i64::try_from(session_seconds).unwrap_or(i64::MAX / 4))
}

/// Forgets, now and then, what keys have used that are long over. The ledger does so too whenever it counts something.
pub(crate) fn spawn_forgetting(gateway: &Arc<Gateway>) {
    let this = gateway.clone();
    gateway.tasks.spawn(async move {
        let stop = this.stopping();
        loop {
            for (region, ledger) in this.ledgers() {
                if let Err(error) = ledger.forget_leashes(this.now()).await {
                    tracing::warn!(%region, error = &error as &dyn std::error::Error, "counters of keys that are over stay for now");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(FORGET_SECONDS)) => {}
            }
        }
    });
}

fn spent(uses_max: u32) -> Refusal {
    let detail = match uses_max {
        1 => "The one session that this temporary key was minted for was started already. Mint another key."
            .to_owned(),
        uses => {
            format!("All {uses} starts that this temporary key was minted for are used. Mint another key.")
        }
    };
    Refusal::new(Reason::UsesSpent, detail)
}
