//! What the gateway does without being asked: finds jobs that a crash left at an engine, and asks for the end of jobs that nobody
//! else has asked for.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::{RequestId, Timestamp};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Method, StatusCode};
use ledger::{Intent, IntentId, LedgerError};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::head;
use super::create::take_back;
use super::engine::read_all;
use super::object::JobObject;
use crate::Gateway;
use crate::gateway::BatchSite;
use crate::limits::{ENGINE_JSON_BYTES_MAX, JOB_ID_BYTES_MAX};
use crate::policy::route::is_name;
use crate::upstream::Pool;

/// How often upkeep is done, in seconds.
const UPKEEP_SECONDS: u64 = 60;
/// How soon after a failure it is tried again, in seconds.
const RETRY_SECONDS: u64 = 2;
/// How long a job is left alone before its end is asked for, in seconds.
const SETTLE_AFTER_SECONDS: i64 = 120;
/// Jobs that are asked for in one round.
const SETTLE_AT_ONCE_MAX: u64 = 200;
/// Questions to one engine at once.
const QUESTIONS_AT_ONCE_MAX: usize = 4;
/// How old an intent is before it can't be a running create of another node any more, in seconds. Of its own creates a node knows
/// which are running.
const OTHERS_CREATE_SECONDS_MAX: i64 = 24 * 3600;
/// How far the engine's clock may be off, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;
/// An engine's list of all its jobs, in bytes.
const ENGINE_LIST_BYTES_MAX: usize = 64 << 20;

/// Starts upkeep for every region with an engine.
pub(crate) fn spawn_upkeep(gateway: &Arc<Gateway>) {
    for site in gateway.batch_sites() {
        if let Some(engine) = &site.engine {
            gateway.tasks.spawn(upkeep(gateway.clone(), site.clone(), engine.clone()));
        }
    }
}

async fn upkeep(gateway: Arc<Gateway>, site: Arc<BatchSite>, engine: Arc<Pool>) {
    let stop = gateway.stopping();
    loop {
        let round = async {
            let finished = look_for_orphans(&gateway, &site, &engine).await;
            if finished {
                settle_old(&gateway, &site).await;
            }
            finished
        };
        let finished = tokio::select! {
            () = stop.cancelled() => return,
            finished = round => finished,
        };
        let pause = Duration::from_secs(if finished { UPKEEP_SECONDS } else { RETRY_SECONDS });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The creates that are on their way right now.
fn creating(site: &BatchSite) -> HashSet<IntentId> {
    site.creating.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether another node may be about to make the job of this intent.
fn may_be_of_another(site: &BatchSite, intent: &Intent, now: Timestamp) -> bool {
    site.ledger.is_shared() && intent.begun_at.plus_seconds(OTHERS_CREATE_SECONDS_MAX) > now
}

/// Intents that are open though nothing is on its way for them: a crash left them, or an engine whose answer never came.
async fn left_open(site: &BatchSite, now: Timestamp) -> Result<Vec<Intent>, LedgerError> {
    // Taken first: what begins later is on its way, and what ends meanwhile isn't open.
    let underway = creating(site);
    let mut intents = site.ledger.open_intents().await?;
    let now_underway = creating(site);
    intents.retain(|intent| {
        !underway.contains(&intent.id)
            && !now_underway.contains(&intent.id)
            && !may_be_of_another(site, intent, now)
    });
    Ok(intents)
}

#[derive(Deserialize)]
struct ListJson<'a> {
    #[serde(borrow)]
    jobs: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct ListedJson {
    pub(super) id: String,
    #[serde(default)]
    pub(super) created_at: Option<String>,
}

/// A job as an engine lists it.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) created_at: Option<Timestamp>,
    pub(super) object: String,
}

/// Asks an engine for all its jobs.
pub(super) async fn engine_jobs(site: &BatchSite, engine: &Arc<Pool>, id: RequestId) -> Option<Vec<Listed>> {
    let request = head(site, engine, &Method::GET, "/v2/jobs", id).ok()?;
    let response = engine.ask(&request).await.ok()?;
    if response.status() != StatusCode::OK {
        return None;
    }
    let bytes = read_all(response.into_body(), ENGINE_LIST_BYTES_MAX).await.ok()?;
    let list: ListJson<'_> = serde_json::from_slice(&bytes).ok()?;
    let listed = |raw: &RawValue| {
        let read: ListedJson = serde_json::from_str(raw.get()).ok()?;
        is_name(&read.id, JOB_ID_BYTES_MAX).then(|| Listed {
            created_at: read.created_at.as_deref().and_then(Timestamp::parse_rfc3339),
            id: read.id,
            object: raw.get().to_owned(),
        })
    };
    Some(list.jobs.into_iter().filter_map(listed).collect())
}

/// Finds the jobs that interrupted creates left at the engine, deletes them there and counts them. Says whether that is finished.
///
/// An engine may hold jobs that were there before Voxgate: only those are touched that nobody owns in any region, that were made in
/// the time of an intent, and no more of them than there are intents.
async fn look_for_orphans(gateway: &Gateway, site: &BatchSite, engine: &Arc<Pool>) -> bool {
    let left = match left_open(site, gateway.now()).await {
        Ok(left) if left.is_empty() => return true,
        Ok(left) => left,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "open intents can't be read");
            return false;
        }
    };
    let request_id = gateway.request_id(gateway.now());
    let Some(mut jobs) = engine_jobs(site, engine, request_id).await else { return false };
    jobs.retain(|job| in_time_of(job, &left));
    // A job on the list may belong to a create that is on its way: those get their owner first.
    others_end(gateway).await;
    // Or to one of another node, which can't be waited for: what is as new as the oldest of those is left alone.
    match others_began(gateway).await {
        Ok(Some(began_at)) => jobs.retain(|job| !may_be_since(job, began_at)),
        Ok(None) => {}
        Err(_) => return false,
    }
    let Ok(mut orphans) = without_owner(gateway, jobs).await else { return false };
    orphans.sort_by_key(|job| std::cmp::Reverse(job.created_at));
    orphans.truncate(left.len());
    for job in &orphans {
        let deleted = site.config.capabilities.delete && take_back(site, engine, &job.id, request_id).await;
        if site.ledger.note_orphan(&job.id, deleted, gateway.now()).await.is_err() {
            return false;
        }
    }
    for intent in &left {
        if site.ledger.abandon(intent.id).await.is_err() {
            return false;
        }
    }
    tracing::warn!(
        region = %site.config.region,
        intents = left.len(),
        orphans = orphans.len(),
        "looked for jobs that interrupted creates left at the engine, and deleted them"
    );
    true
}

/// Waits until the creates that are on their way now have ended. Regions may share an engine, so it waits for all.
async fn others_end(gateway: &Gateway) {
    const LOOK_MILLIS: u64 = 50;
    for site in gateway.batch_sites() {
        let underway = creating(site);
        while !creating(site).is_disjoint(&underway) {
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
    }
}

/// When the oldest create began that another node may have on its way now.
async fn others_began(gateway: &Gateway) -> Result<Option<Timestamp>, LedgerError> {
    let mut oldest = None;
    for site in gateway.batch_sites().filter(|site| site.ledger.is_shared()) {
        let intents = site.ledger.open_intents().await?;
        let others = intents.iter().filter(|intent| may_be_of_another(site, intent, gateway.now()));
        oldest = oldest.into_iter().chain(others.map(|intent| intent.begun_at)).min();
    }
    Ok(oldest)
}

/// The jobs that no ledger of this gateway knows.
async fn without_owner(gateway: &Gateway, mut jobs: Vec<Listed>) -> Result<Vec<Listed>, LedgerError> {
    for site in gateway.batch_sites() {
        let ids: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
        let known: HashSet<String> = site.ledger.known(&ids).await?.into_iter().collect();
        jobs.retain(|job| !known.contains(&job.id));
    }
    Ok(jobs)
}

fn in_time_of(job: &Listed, intents: &[Intent]) -> bool {
    intents.iter().any(|intent| may_be_since(job, intent.begun_at))
}

/// Whether a job may have been made since then, by the engine's clock.
fn may_be_since(job: &Listed, begun_at: Timestamp) -> bool {
    job.created_at.is_some_and(|created_at| created_at >= begun_at.plus_seconds(-CLOCK_SKEW_SECONDS))
}

/// Asks for the end of jobs that nobody has asked for lately.
async fn settle_old(gateway: &Gateway, site: &BatchSite) {
    let now = gateway.now();
    let asked_before = now.plus_seconds(-SETTLE_AFTER_SECONDS);
    match site.ledger.unsettled(asked_before, SETTLE_AT_ONCE_MAX, now).await {
        Ok(ids) => settle(gateway, site, &ids).await,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "unfinished jobs can't be read");
        }
    }
}

/// Asks the engine for jobs and lets the ledger learn. What can't be had now is had another time.
pub(super) async fn settle(gateway: &Gateway, site: &BatchSite, ids: &[String]) {
    let Some(engine) = &site.engine else { return };
    let request_id = gateway.request_id(gateway.now());
    let mut questions = Vec::new();
    for id in ids {
        questions.push(settle_one(site, engine, id, request_id).boxed());
    }
    let mut answers = stream::iter(questions).buffer_unordered(QUESTIONS_AT_ONCE_MAX);
    while let Some(answer) = answers.next().await {
        if let Err(error) = answer {
            tracing::warn!(error = &error as &dyn std::error::Error, "a job's end could not be noted");
        }
    }
}

async fn settle_one(
    site: &BatchSite,
    engine: &Arc<Pool>,
    id: &str,
    request_id: RequestId,
) -> Result<(), LedgerError> {
    let path = format!("/v2/jobs/{id}");
    let Ok(request) = head(site, engine, &Method::GET, &path, request_id) else { return Ok(()) };
    let Ok(response) = engine.ask(&request).await else { return Ok(()) };
    match response.status() {
        StatusCode::OK => {
            let bytes = read_all(response.into_body(), ENGINE_JSON_BYTES_MAX).await.unwrap_or_default();
            match JobObject::in_answer(&bytes) {
                Some(object) if object.status() == "expired" => site.ledger.expire(id).await,
                Some(object) => site.seen(id, &object.seen()).await,
                None => Ok(()),
            }
        }
        StatusCode::NOT_FOUND => site.ledger.lose(id).await,
        StatusCode::GONE => site.ledger.expire(id).await,
        _ => Ok(()),
    }
}
