//! What the gateway does without being asked: finds jobs that a crash left at an engine, and asks for the end of jobs that nobody
//! else has asked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{Region, RequestId, Timestamp};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode};
use ledger::{Intent, LedgerError};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::call::request;
use super::create::{is_stale, take_back};
use super::engine::read_all;
use super::object::JobObject;
use crate::Gateway;
use crate::gateway::BatchSite;
use crate::identity::write_place;
use crate::limits::{ENGINE_JSON_BYTES_MAX, JOB_ID_BYTES_MAX};
use crate::policy::route::is_name;
use crate::upstream::{Pool, UploadBody};

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
/// How far the engine's clock may be off, in seconds.
const CLOCK_SKEW_SECONDS: i64 = 300;
/// An engine's list of all its jobs, in bytes.
const ENGINE_LIST_BYTES_MAX: usize = 64 << 20;

/// The creates that a crash interrupted, per region.
pub(crate) type LeftByCrash = Vec<(Region, Vec<Intent>)>;

/// Reads what a crash left, before anything new is begun.
pub(crate) async fn left_by_crash(gateway: &Gateway) -> Result<LeftByCrash, LedgerError> {
    let mut left = Vec::new();
    for site in gateway.batch_sites() {
        let intents = site.ledger.open_intents().await?;
        if !intents.is_empty() {
            left.push((site.config.region, intents));
        }
    }
    Ok(left)
}

/// Starts upkeep for every region with an engine.
pub(crate) fn spawn_upkeep(gateway: &Arc<Gateway>, left_by_crash: LeftByCrash) {
    let mut left_by_crash = left_by_crash;
    for site in gateway.batch_sites() {
        let Some(engine) = &site.engine else { continue };
        let region = site.config.region;
        let place = left_by_crash.iter().position(|(of, _)| *of == region);
        let intents = place.map(|place| left_by_crash.swap_remove(place).1).unwrap_or_default();
        let upkeep = upkeep(gateway.clone(), site.clone(), engine.clone(), intents);
        gateway.tasks.spawn(upkeep);
    }
}

async fn upkeep(gateway: Arc<Gateway>, site: Arc<BatchSite>, engine: Arc<Pool>, mut left: Vec<Intent>) {
    let stop = gateway.stopping();
    loop {
        let failed = !left.is_empty() && !look_for_orphans(&gateway, &site, &engine, &left).await;
        let pause = Duration::from_secs(if failed { RETRY_SECONDS } else { UPKEEP_SECONDS });
        if !failed {
            left.clear();
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        if failed {
            continue;
        }
        settle_old(&gateway, &site).await;
        left = stale_intents(&gateway, &site).await;
    }
}

/// Intents of this run whose answer never came, for example because the engine's connection broke.
async fn stale_intents(gateway: &Gateway, site: &BatchSite) -> Vec<Intent> {
    let answer_seconds = gateway.config.limits.engine_answer_seconds_max;
    let now = gateway.now();
    match site.ledger.open_intents().await {
        Ok(mut intents) => {
            intents.retain(|intent| is_stale(intent.begun_at, now, answer_seconds));
            intents
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "open intents can't be read");
            Vec::new()
        }
    }
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
    let mut request =
        request(site, engine, Method::GET, "/v2/jobs", HeaderMap::new(), UploadBody::Empty).ok()?;
    write_place(request.headers_mut(), site.config.region, id);
    let response = engine.send(request).await.ok()?;
    if response.status() != StatusCode::OK {
        return None;
    }
    let bytes = read_all(response.into_body(), ENGINE_LIST_BYTES_MAX).await?;
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

/// Finds the jobs that these intents left at the engine, deletes them there and counts them. Says whether that is finished.
///
/// An engine may hold jobs that were there before Voxgate: only those are touched that nobody owns, that were made in the time of an
/// intent, and no more of them than there are intents.
async fn look_for_orphans(gateway: &Gateway, site: &BatchSite, engine: &Arc<Pool>, left: &[Intent]) -> bool {
    let request_id = gateway.request_id(gateway.now());
    let Some(jobs) = engine_jobs(site, engine, request_id).await else { return false };
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
    let Ok(known) = site.ledger.known(&ids).await else { return false };
    let known: HashSet<String> = known.into_iter().collect();
    let mut candidates: Vec<Listed> =
        jobs.into_iter().filter(|job| !known.contains(&job.id) && in_time_of(job, left)).collect();
    candidates.sort_by_key(|job| std::cmp::Reverse(job.created_at));
    candidates.truncate(left.len());
    for job in &candidates {
        let deleted = site.config.capabilities.delete && take_back(site, engine, &job.id, request_id).await;
        if let Err(error) = site.ledger.note_orphan(&job.id, deleted, gateway.now()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a job without owner could not be noted"
            );
            return false;
        }
    }
    for intent in left {
        if site.ledger.abandon(intent.id).await.is_err() {
            return false;
        }
    }
    tracing::info!(
        region = %site.config.region,
        intents = left.len(),
        orphans = candidates.len(),
        "looked for jobs that an interruption left at the engine"
    );
    true
}

fn in_time_of(job: &Listed, intents: &[Intent]) -> bool {
    let Some(created_at) = job.created_at else { return false };
    intents.iter().any(|intent| created_at >= intent.begun_at.plus_seconds(-CLOCK_SKEW_SECONDS))
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
    let Ok(mut request) = request(site, engine, Method::GET, &path, HeaderMap::new(), UploadBody::Empty)
    else {
        return Ok(());
    };
    write_place(request.headers_mut(), site.config.region, request_id);
    let Ok(response) = engine.send(request).await else { return Ok(()) };
    match response.status() {
        StatusCode::OK => {
            let bytes = read_all(response.into_body(), ENGINE_JSON_BYTES_MAX).await.unwrap_or_default();
            match JobObject::in_answer(&bytes) {
                Some(object) if object.status() == "expired" => site.ledger.expire(id).await,
                Some(object) => site.ledger.seen(id, &object.seen()).await,
                None => Ok(()),
            }
        }
        StatusCode::NOT_FOUND => site.ledger.lose(id).await,
        StatusCode::GONE => site.ledger.expire(id).await,
        _ => Ok(()),
    }
}
