//! Books the audio of finished jobs: as usage, and on the quotas that hold for whoever made them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::link::UsageRecord;
use domain::{Product, Timestamp};
use ledger::{Booking, FinishedJob, Ledger, LedgerError};

use crate::gateway::BatchSite;
use crate::meter::day_of;
use crate::{Gateway, quota};

/// Jobs that are booked at once.
const JOBS_AT_ONCE_MAX: u64 = 500;

/// Books what has finished since the last time. Returns whether there was anything.
pub(crate) async fn book(gateway: &Gateway, now: Timestamp) -> bool {
    let Some(home) = quota::home(gateway) else { return false };
    let mut booked = false;
    for site in gateway.batch_sites() {
        if !site.has_finished.swap(false, Ordering::AcqRel) {
            continue;
        }
        match book_site(gateway, home, site, now).await {
            Ok(count) => {
                booked |= count > 0;
                if count == JOBS_AT_ONCE_MAX {
                    site.has_finished.store(true, Ordering::Release);
                }
            }
            Err(error) => {
                tracing::error!(region = %site.config.region, error = &error as &dyn std::error::Error, "the audio of jobs could not be booked; it is tried again");
                site.has_finished.store(true, Ordering::Release);
            }
        }
    }
    booked
}

async fn book_site(
    gateway: &Gateway,
    home: &Arc<Ledger>,
    site: &BatchSite,
    now: Timestamp,
) -> Result<u64, LedgerError> {
    let jobs = site.ledger.unbooked_jobs(JOBS_AT_ONCE_MAX).await?;
    if jobs.is_empty() {
        return Ok(0);
    }
    let bookings: Vec<Booking> = jobs.iter().map(|job| booking(gateway, site, job, now)).collect();
    home.book_jobs(&bookings, now).await?;
    let ids: Vec<String> = jobs.into_iter().map(|job| job.id).collect();
    site.ledger.jobs_booked(&ids).await?;
    Ok(ids.len() as u64)
}

fn booking(gateway: &Gateway, site: &BatchSite, job: &FinishedJob, now: Timestamp) -> Booking {
    let quotas = quota::of(gateway, job.project_id, job.api_key_id, job.client_ref.as_ref(), now);
    let usage = UsageRecord {
        project_id: job.project_id,
        api_key_id: job.api_key_id,
        client_ref: job.client_ref.clone(),
        region: site.config.region,
        product: Product::Batch,
        day: day_of(now),
        requests: 0,
        sessions: 0,
        audio_millis: job.audio_micros / 1000,
        received_bytes: 0,
        refusals: 0,
        refused: std::collections::BTreeMap::new(),
    };
    Booking {
        job_id: job.id.clone(),
        region: site.config.region,
        audio_micros: job.audio_micros,
        counters: quotas.into_iter().map(|quota| quota.key).collect(),
        usage,
    }
}
