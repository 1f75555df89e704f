//! Quotas on audio: which hold for a request, where they are counted, and how it is told that one is used up.
//!
//! All quotas of a process are counted in one ledger, that of its first region, so that a process that serves all regions counts
//! once. Gateways that share that ledger share its counters; others count for themselves.

use std::sync::Arc;

use domain::{ApiKeyId, ClientRef, Month, ProjectId, QuotaSubject, Reason, Refusal, Timestamp};
use ledger::{CounterId, CounterKey, Ledger};
use verify::Principal;

use crate::Gateway;

/// How long a month's counters are kept after it, in seconds: sessions give back what they had reserved.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// A quota that holds for somebody.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    pub(crate) key: CounterKey,
    pub(crate) audio_seconds_max: u32,
}

/// The ledger in which quotas and usage are kept: that of the first region, always the same for the same configuration.
pub(crate) fn home(gateway: &Gateway) -> Option<&Arc<Ledger>> {
    let first = gateway.batch_sites().min_by_key(|site| site.config.region)?;
    Some(&first.ledger)
}

/// The quotas that count what is done under these.
pub(crate) fn of(
    gateway: &Gateway,
    project_id: ProjectId,
    api_key_id: ApiKeyId,
    client_ref: Option<&ClientRef>,
    now: Timestamp,
) -> Vec<Quota> {
    let month = Month::of(now);
    let quota = |quota: domain::AudioQuota| Quota {
        key: CounterKey { id: CounterId::Quota(month, quota.subject), forget_at: forget_at(month) },
        audio_seconds_max: quota.audio_seconds_max,
    };
    gateway.tables.audio_quotas(project_id, api_key_id, client_ref).into_iter().map(quota).collect()
}

/// The quotas of a principal.
pub(crate) fn of_principal(gateway: &Gateway, principal: &Principal, now: Timestamp) -> Vec<Quota> {
    of(gateway, principal.project_id(), principal.api_key_id(), principal.client_ref(), now)
}

/// When a month's counters are forgotten.
pub(crate) fn forget_at(month: Month) -> Timestamp {
    month.next().start().plus_seconds(KEPT_SECONDS)
}

/// Refuses whoever has used a quota up. How long a job's audio is turns out when it is finished: jobs that are under way count
/// afterwards.
///
/// # Errors
/// `audio_spent`, or that the ledger fails.
pub(crate) async fn check(gateway: &Gateway, principal: &Principal, now: Timestamp) -> Result<(), Refusal> {
    for quota in of_principal(gateway, principal, now) {
        let ledger = home(gateway).ok_or_else(no_ledger)?;
        let used = ledger.audio_used(&quota.key.id).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a quota could not be read");
            let detail = "The region can't read what is used of a quota. Try again soon.";
            Refusal::new(Reason::StorageDown, detail).retry_after(5)
        })?;
        if used >= u64::from(quota.audio_seconds_max) * MICROS {
            return Err(spent(&quota.key.id, quota.audio_seconds_max.into()));
        }
    }
    Ok(())
}

/// Microseconds of a second.
const MICROS: u64 = 1_000_000;

/// The refusal where nothing could count.
pub(crate) fn no_ledger() -> Refusal {
    Refusal::new(Reason::Internal, "This gateway has no place to count what is used of a quota.")
}

/// The refusal of whoever has used something up.
pub(crate) fn spent(id: &CounterId, max_seconds: u64) -> Refusal {
    let detail = match id {
        CounterId::TemporaryKey(_) => format!(
            "The {max_seconds} seconds of audio that this temporary key was minted for are used. Mint another one."
        ),
        CounterId::Quota(month, subject) => {
            let whose = match subject {
                QuotaSubject::Workspace(_) => "workspace",
                QuotaSubject::Project(_) => "project",
                QuotaSubject::ApiKey(_) => "API key",
                QuotaSubject::ClientRef(..) => "client_ref",
            };
            format!(
                "The quota of {max_seconds} seconds of audio that this {whose} has in {month} is used. A new month begins on {}-01 (UTC).",
                month.next()
            )
        }
    };
    Refusal::new(Reason::AudioSpent, detail)
}
