//! Creating a job. The order is what matters: the intent is written, then the engine is asked, then the owner is written, and only
//! then is the client answered. A crash at any point leaves a job that nobody can read and that the next start finds.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use domain::{Reason, Refusal, Region, RequestId};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use ledger::{IntentId, JobFacts, NewIntent};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::call::{Call, head};
use super::engine::{read_all, translate};
use super::internal;
use super::object::JobObject;
use super::read::{Look, wait_for};
use crate::gateway::BatchSite;
use crate::limits::{BODY_BYTES_MAX, EMBEDDED_TRANSCRIPT_BYTES_MAX, ENGINE_JSON_BYTES_MAX, JOB_ID_BYTES_MAX};
use crate::meter::Count;
use crate::policy::route::is_name;
use crate::policy::{Format, Query};
use crate::upstream::{EngineError, Pool, Progress, UploadBody};
use crate::{Body, answer};

/// What an engine answers to a create.
#[derive(Deserialize)]
struct CreatedJson {
    id: String,
}

/// How a create ended at the engine and in the ledger.
enum Ended {
    /// The job exists and its owner is on disk.
    Recorded(Arc<JobFacts>),
    /// The engine refused.
    Refused(http::response::Parts, Bytes),
    /// The client's body was over the limit.
    TooLarge,
    /// The client's body broke off.
    ClientGone,
    /// The client lost the right to it.
    Cut(Refusal),
    /// The engine gave no answer.
    NoAnswer(EngineError),
    /// The engine's answer makes no sense.
    Unsound,
    /// The owner could not be written.
    NotRecorded,
}

/// One create, apart from its client: it goes on when the client hangs up.
struct Creation {
    site: Arc<BatchSite>,
    engine: Arc<Pool>,
    request: Request<UploadBody>,
    progress: Arc<Progress>,
    underway: Underway,
    new: NewIntent,
    clock: Arc<dyn domain::Clock>,
    region: Region,
    request_id: RequestId,
}

/// `POST /v2/jobs`.
pub(super) async fn create(
    call: &Call<'_>,
    query: &Query,
    incoming: Incoming,
) -> Result<Response<Body>, Refusal> {
    if incoming.size_hint().lower() > BODY_BYTES_MAX {
        return Err(too_large());
    }
    let engine = call.engine()?;
    let progress = Arc::new(Progress::default());
    let body = UploadBody::new(incoming, BODY_BYTES_MAX, progress.clone());
    let request = call.upload(engine, "/v2/jobs", body)?;
    let new = NewIntent {
        project_id: call.principal.project_id(),
        client_ref: call.principal.client_ref().cloned(),
        api_key_id: call.principal.api_key_id(),
        request_id: call.request_id,
    };
    let intended = call.site.ledger.intend(&new, call.now).await;
    let intent = intended.map_err(|error| internal(&error, call.request_id))?;
    let creation = Creation {
        site: call.site.clone(),
        engine: engine.clone(),
        request,
        progress: progress.clone(),
        underway: Underway::begin(call.site, intent),
        new,
        clock: call.gateway.clock.clone(),
        region: call.site.config.region,
        request_id: call.request_id,
    };
    let running = call.enter_upload(&progress);
    let (tell, told) = oneshot::channel();
    call.gateway.tasks.spawn(async move {
        // Whoever asked may be gone.
        drop(tell.send(creation.run().await));
    });
    let ended = call.during(running, told).await.unwrap_or(Ended::NotRecorded);
    let received = Count { received_bytes: progress.received_bytes(), ..Count::default() };
    call.gateway.meter.count(call.identity.tally(), received, call.now);
    tell_client(call, query, ended).await
}

async fn tell_client(call: &Call<'_>, query: &Query, ended: Ended) -> Result<Response<Body>, Refusal> {
    match ended {
        Ended::Recorded(job) => created(call, query, &job).await,
        Ended::Refused(parts, bytes) => translate(call, &parts, &bytes),
        Ended::TooLarge => Err(too_large()),
        Ended::Cut(refusal) => Err(refusal),
        Ended::ClientGone => Err(Refusal::new(Reason::MalformedRequest, "The upload broke off.")),
        Ended::NoAnswer(error) => Err(call.engine_failed(&error)),
        Ended::Unsound => Err(Refusal::new(Reason::Internal, "The engine's answer could not be understood.")),
        Ended::NotRecorded => Err(Refusal::new(
            Reason::Internal,
            "The job could not be recorded and was taken back. Try again.",
        )),
    }
}

fn too_large() -> Refusal {
    Refusal::new(Reason::TooLarge, "The upload is over its limit of 1 GiB.")
}

/// Marks an intent as being on its way, until this is dropped.
struct Underway {
    site: Arc<BatchSite>,
    intent: IntentId,
}

impl Underway {
    fn begin(site: &Arc<BatchSite>, intent: IntentId) -> Self {
        site.creating.lock().unwrap_or_else(PoisonError::into_inner).insert(intent);
        Self { site: site.clone(), intent }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.site.creating.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.intent);
    }
}

impl Creation {
    async fn run(self) -> Ended {
        let Self { site, engine, request, progress, underway, new, clock, region, request_id } = self;
        let intent = underway.intent;
        let response = match engine.upload(request).await {
            Ok(response) => response,
            Err(error) => {
                // With a body that never became whole, or no connection, there can be no job.
                if !progress.is_complete() || matches!(error, EngineError::Connect(_)) {
                    abandon(&site, intent, request_id).await;
                }
                return match error {
                    EngineError::Cut(refusal) => Ended::Cut(refusal),
                    _ if progress.is_too_large() => Ended::TooLarge,
                    _ if progress.is_broken() => Ended::ClientGone,
                    error => Ended::NoAnswer(error),
                };
            }
        };
        let (parts, body) = response.into_parts();
        let bytes = read_all(body, ENGINE_JSON_BYTES_MAX).await;
        if !parts.status.is_success() {
            abandon(&site, intent, request_id).await;
            return Ended::Refused(parts, bytes.unwrap_or_default());
        }
        let id = bytes.ok().and_then(|bytes| serde_json::from_slice::<CreatedJson>(&bytes).ok());
        let Some(id) = id.map(|created| created.id).filter(|id| is_name(id, JOB_ID_BYTES_MAX)) else {
            tracing::error!(%request_id, %region, "the engine's answer to a create names no job");
            return Ended::Unsound;
        };
        match site.ledger.record(intent, &new, &id, clock.now()).await {
            Ok(job) => Ended::Recorded(job),
            Err(ledger::LedgerError::JobExists) => {
                // The job of that id is somebody's: it must not be touched.
                tracing::error!(%request_id, %region, "the engine gave the id of a job that exists already");
                abandon(&site, intent, request_id).await;
                Ended::NotRecorded
            }
            Err(error) => {
                drop(internal(&error, request_id));
                take_back(&site, &engine, &id, request_id).await;
                Ended::NotRecorded
            }
        }
    }
}

async fn abandon(site: &BatchSite, intent: IntentId, request_id: RequestId) {
    if let Err(error) = site.ledger.abandon(intent).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(%request_id, error, "an intent could not be ended; the next start looks into it");
    }
}

/// Deletes a job at the engine that nobody owns. If that fails too, its intent stays and the next start tries again.
pub(super) async fn take_back(
    site: &BatchSite,
    engine: &Arc<Pool>,
    job_id: &str,
    request_id: RequestId,
) -> bool {
    let path = format!("/v2/jobs/{job_id}?force=true");
    let Ok(request) = head(site, engine, &Method::DELETE, &path, request_id) else { return false };
    let status = engine.ask(&request).await.map(|response| response.status());
    let gone = matches!(&status, Ok(status) if status.is_success() || matches!(status.as_u16(), 404 | 410));
    if !gone {
        tracing::warn!(%request_id, region = %site.config.region, "a job without owner could not be deleted at the engine");
    }
    gone
}

/// The answer to a create that went well, after waiting if the client asked for that.
async fn created(call: &Call<'_>, query: &Query, job: &JobFacts) -> Result<Response<Body>, Refusal> {
    let mut body = serde_json::Map::new();
    body.insert(String::from("id"), job.id.as_ref().into());
    let Some(seconds) = query.wait else {
        return Ok(answer::json(StatusCode::CREATED, &body, call.request_id));
    };
    // The job exists: whatever goes wrong while waiting, the client gets its id. Who lost the right to the job gets no more.
    let look = wait_for(call, job, seconds).await;
    let status = outcome(&look);
    body.insert(String::from("status"), status.into());
    if status != "done" {
        return Ok(answer::json(StatusCode::CREATED, &body, call.request_id));
    }
    let format = query.format.unwrap_or(Format::JsonV2);
    let transcript = transcript(call, job, format).await;
    Ok(answer::json_bytes(StatusCode::CREATED, embed(&body, format, transcript), call.request_id))
}

fn outcome(look: &Result<Look, Refusal>) -> &'static str {
    let status = match look {
        Ok(Look::Fresh(bytes)) => JobObject::in_answer(bytes).map(|object| object.status().to_owned()),
        Ok(Look::Remembered(_) | Look::Refused(_) | Look::Broken(_)) => None,
        Err(refusal) if matches!(refusal.reason, Reason::JobNotFound | Reason::JobExpired) => {
            return "deleted";
        }
        Err(_) => None,
    };
    match status.as_deref() {
        Some("done") => "done",
        Some("rejected") => "rejected",
        _ => "created",
    }
}

/// A finished job's transcript; none where it can't be had, which the API allows.
async fn transcript(call: &Call<'_>, job: &JobFacts, format: Format) -> Option<Bytes> {
    let path = format!("/v2/jobs/{}/transcript?format={}", job.id, format.as_str());
    let response = call.ask(call.engine().ok()?, &Method::GET, &path, false).await.ok()?;
    if response.status() != StatusCode::OK {
        return None;
    }
    let transcript = read_all(response.into_body(), EMBEDDED_TRANSCRIPT_BYTES_MAX).await.ok();
    transcript.filter(|_| call.still_good().is_ok())
}

fn embed(
    body: &serde_json::Map<String, serde_json::Value>,
    format: Format,
    transcript: Option<Bytes>,
) -> Bytes {
    #[derive(serde::Serialize)]
    struct Embedded<'a> {
        #[serde(flatten)]
        body: &'a serde_json::Map<String, serde_json::Value>,
        #[serde(rename = "json-v2", skip_serializing_if = "Option::is_none")]
        json: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        txt: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        srt: Option<&'a str>,
    }
    let text = transcript.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let plain = |wanted| text.filter(|_| format == wanted);
    let embedded = Embedded {
        body,
        json: plain(Format::JsonV2).and_then(|text| serde_json::from_str(text).ok()),
        txt: plain(Format::Txt),
        srt: plain(Format::Srt),
    };
    serde_json::to_vec(&embedded).unwrap_or_default().into()
}
