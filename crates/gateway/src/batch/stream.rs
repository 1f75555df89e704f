//! Answers that are passed on as they come: transcripts, logs, audio, speech, features.

use std::sync::Arc;

use domain::{Reason, Refusal, RequestId};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use ledger::{JobFacts, JobState};

use super::call::{Call, forwarded, head};
use super::engine::{pass_on, refused};
use super::read::{known_final, wait_for};
use super::{engine_down, job_expired};
use crate::gateway::BatchSite;
use crate::limits::SPEECH_BODY_BYTES_MAX;
use crate::policy::{Query, Route, Scan};
use crate::upstream::{EngineBody, EngineError, Progress, UploadBody};
use crate::{Body, answer};

/// What a browser does with a job's audio, and under which name it saves it: an engine would say what a client called it.
const AUDIO: HeaderValue = HeaderValue::from_static("attachment; filename=\"audio\"");

/// `GET /v2/jobs/{id}/transcript`, `…/log` and `…/data`.
pub(super) async fn stream(
    call: &Call<'_>,
    route: Route<'_>,
    job: &Arc<JobFacts>,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let path = match route {
        Route::Log(id) if call.site.config.capabilities.log => format!("/v2/jobs/{id}/log"),
        Route::Log(_) => {
            return Err(Refusal::new(Reason::NotImplemented, "The engine of this region keeps no logs."));
        }
        Route::Data(id) => format!("/v2/jobs/{id}/data"),
        _ => transcript_path(call, job, query).await?,
    };
    let response = call.ask(call.engine()?, &Method::GET, &path, true).await?;
    if passes(response.status()) {
        let mut passed = pass_on(response, call.request_id);
        if matches!(route, Route::Data(_)) {
            passed.headers_mut().insert(CONTENT_DISPOSITION, AUDIO);
        }
        return Ok(passed);
    }
    if response.status() == StatusCode::NOT_FOUND && job.state == JobState::Lost {
        return Err(job_expired());
    }
    Box::pin(refused(call, response)).await
}

/// The engine's path of a transcript. Where it can't wait by itself, the waiting is done here first.
async fn transcript_path(call: &Call<'_>, job: &Arc<JobFacts>, query: &Query) -> Result<String, Refusal> {
    let wait = query.wait.filter(|seconds| *seconds > 0);
    let engine_waits = call.site.config.capabilities.wait;
    if let Some(seconds) = wait.filter(|_| !engine_waits && !known_final(job)) {
        Box::pin(wait_for(call, job, seconds)).await?;
    }
    let mut path = format!("/v2/jobs/{}/transcript", job.id);
    let mut separator = '?';
    if let Some(format) = query.format {
        path.push(separator);
        path.push_str("format=");
        path.push_str(format.as_str());
        separator = '&';
    }
    if let Some(seconds) = query.wait.filter(|_| engine_waits) {
        path.push_str(&format!("{separator}wait={seconds}"));
    }
    Ok(path)
}

fn passes(status: StatusCode) -> bool {
    status.is_success() || matches!(status, StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE)
}

/// `POST /generate/{voice}`.
pub(super) async fn generate(
    call: &Call<'_>,
    voice: &str,
    query: &Query,
    incoming: Incoming,
) -> Result<Response<Body>, Refusal> {
    let engine = call.site.speech.as_ref().ok_or_else(|| call.engine_down())?;
    if incoming.size_hint().lower() > SPEECH_BODY_BYTES_MAX {
        return Err(too_large());
    }
    let path = match &query.output_format {
        Some(format) => format!("/generate/{voice}?output_format={format}"),
        None => format!("/generate/{voice}"),
    };
    let progress = Arc::new(Progress::default());
    let body = UploadBody::new(incoming, SPEECH_BODY_BYTES_MAX, progress.clone());
    let request = call.upload(engine, &path, body)?;
    let running = call.enter_upload(&progress);
    match call.during(running, Box::pin(engine.upload(request))).await {
        Ok(response) if response.status().is_success() => Ok(pass_on(response, call.request_id)),
        Ok(response) => refused(call, response).await,
        Err(EngineError::Cut(refusal)) => Err(refusal),
        Err(_) if progress.is_too_large() => Err(too_large()),
        Err(error) => Err(call.engine_failed(&error)),
    }
}

fn too_large() -> Refusal {
    Refusal::new(Reason::TooLarge, "The text is over its limit of 1 MiB.")
}

/// `GET /v1/discovery/features`, which needs no key.
pub(super) async fn features(
    site: &Arc<BatchSite>,
    headers: &HeaderMap,
    scan: Scan<'_>,
    gateway: &crate::Gateway,
    request_id: RequestId,
) -> Response<Body> {
    let down = || answer::jobs(&engine_down(gateway, site, None), request_id);
    let Some(engine) = &site.engine else { return down() };
    let path = "/v1/discovery/features";
    let Ok(mut request) = head(site, engine, &Method::GET, path, request_id) else { return down() };
    for (name, value) in forwarded(headers, &scan, true) {
        request.field(name, value);
    }
    match engine.ask(&request).await {
        Ok(response) if passes(response.status()) => pass_on_public(response, request_id),
        Ok(response) if response.status().is_client_error() => {
            let detail = "The engine of this region doesn't tell its features.";
            answer::jobs(&Refusal::new(Reason::NotImplemented, detail), request_id)
        }
        Ok(_) | Err(_) => down(),
    }
}

/// Passes on what anybody may read: how long it may be kept is the engine's to say.
fn pass_on_public(response: Response<EngineBody>, request_id: RequestId) -> Response<Body> {
    let kept = response.headers().get(CACHE_CONTROL).cloned();
    let mut passed = pass_on(response, request_id);
    let headers = passed.headers_mut();
    headers.remove(CACHE_CONTROL);
    if let Some(kept) = kept {
        headers.insert(CACHE_CONTROL, kept);
    }
    passed
}
