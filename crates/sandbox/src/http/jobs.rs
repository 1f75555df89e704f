//! The Jobs API.

use super::query::Query;
use super::reply::{self, Body, ErrorName, Refusal};
use super::upload::{self, Upload};
use crate::engine::Sandbox;
use crate::jobs::config::{self, FetchConfig, JobConfig};
use crate::jobs::job::{Job, JobId, Status};
use crate::jobs::store::{DeleteError, append_log};
use crate::jobs::transcript::{self, TranscriptFormat};
use http::header::{CONTENT_DISPOSITION, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::sync::Arc;

/// The gateway's header that ties a job to a request of its own.
const REQUEST_ID: &str = "voxgate-request-id";
/// Longest request id that is written down.
const REQUEST_ID_CHARACTERS_MAX: usize = 128;

/// `POST /v2/jobs`
pub(crate) async fn create(
    sandbox: &Arc<Sandbox>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let request_id = request_id(request.headers());
    let (store, id) = (Arc::clone(&sandbox.store), JobId::new(&*sandbox.rng));
    let incoming = sandbox.blocking(move || store.begin(id)).await?;
    let upload = upload::receive(request, &incoming.data_path()).await?;
    let (data_name, config) = check(upload)?;
    if sandbox.queue.is_full() {
        return Err(Refusal::new(429, ErrorName::MaxConcurrentRunningJobsExceeded, ""));
    }
    let (store, now, id) = (Arc::clone(&sandbox.store), sandbox.clock.now(), incoming.id.clone());
    let line = format!("received as {data_name:?}, request {request_id}");
    let committed = sandbox.blocking(move || {
        append_log(&incoming.log_path(), now, &line);
        store.commit(&incoming, data_name, config, now)
    });
    committed.await?;
    sandbox.queue.push(id.clone());
    Ok(reply::json(StatusCode::CREATED, &json!({ "id": id })))
}

/// What must be right before a job is one: the config, and exactly one source of audio.
fn check(upload: Upload) -> Result<(String, Value), Refusal> {
    let Some(bytes) = upload.config else {
        return Err(Refusal::new(400, ErrorName::MalformedRequest, "the part config is missing"));
    };
    let (checked, config): (JobConfig, Value) = config::read(&bytes)?;
    match (upload.data_name, &checked.fetch) {
        (Some(name), None) => Ok((name, config)),
        (None, Some(fetch)) => Ok((fetched_name(fetch), config)),
        (None, None) => Err(Refusal::new(
            400,
            ErrorName::MissingDataFile,
            "send the part data_file, or fetch_data in config",
        )),
        (Some(_), Some(_)) => Err(Refusal::new(
            400,
            ErrorName::JobRejected,
            "both data_file and fetch_data were sent, expected one",
        )),
    }
}

/// The last part of the URL's path; never its query, which often holds a signature.
fn fetched_name(fetch: &FetchConfig) -> String {
    let last = fetch.url.path().rsplit('/').next().filter(|name| !name.is_empty());
    last.or(fetch.url.host()).unwrap_or("fetched").to_owned()
}

fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or("-");
    id.chars().take(REQUEST_ID_CHARACTERS_MAX).collect()
}

/// `GET /v2/jobs`
pub(crate) fn list(sandbox: &Sandbox, query: &Query) -> Result<Response<Body>, Refusal> {
    let jobs = sandbox.store.list(&query.selection()?);
    let jobs: Vec<Value> = jobs.iter().map(Job::details).collect();
    Ok(reply::json(StatusCode::OK, &json!({ "jobs": jobs })))
}

/// `GET /v2/jobs/{id}`
pub(crate) async fn details(sandbox: &Sandbox, id: JobId) -> Result<Response<Body>, Refusal> {
    let job = existing(sandbox, &id)?;
    let store = Arc::clone(&sandbox.store);
    let mut record = sandbox.blocking(move || store.record(&id)).await?;
    // The disk is a moment ahead of memory, which every other answer comes from.
    record.job = job;
    Ok(reply::json(StatusCode::OK, &json!({ "job": record.details() })))
}

/// `DELETE /v2/jobs/{id}`
pub(crate) async fn delete(sandbox: &Sandbox, id: JobId, query: &Query) -> Result<Response<Body>, Refusal> {
    let (store, force) = (Arc::clone(&sandbox.store), query.flag("force")?);
    match sandbox.blocking(move || Ok(store.delete(&id, force))).await? {
        Ok(record) => Ok(reply::json(StatusCode::OK, &json!({ "job": record.details() }))),
        Err(DeleteError::Unknown) => Err(Refusal::job_not_found()),
        Err(DeleteError::Running) => Err(Refusal::new(
            423,
            ErrorName::ResourceLocked,
            "the job is running: wait for it, or delete it with force=true",
        )),
        Err(DeleteError::Io(error)) => Err(Refusal::internal(&error)),
    }
}

/// `GET /v2/jobs/{id}/transcript`
pub(crate) async fn transcript(
    sandbox: &Sandbox,
    id: JobId,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let format = query.get("format").unwrap_or("json-v2");
    let format = TranscriptFormat::parse(format).ok_or_else(|| {
        let detail = format!("format in query is {format:?}, expected json-v2, txt or srt");
        Refusal::new(400, ErrorName::FormatNotSupported, detail)
    })?;
    let job = existing(sandbox, &id)?;
    match job.status {
        Status::Running => {
            return Err(Refusal::new(404, ErrorName::TranscriptionNotReady, "the job is running"));
        }
        Status::Rejected => {
            let reason = job.errors.first().map_or("", |error| &error.message);
            return Err(Refusal::new(404, ErrorName::JobRejected, reason));
        }
        Status::Done | Status::Deleted => (),
    }
    let path = sandbox.store.transcript_path(&id);
    if format == TranscriptFormat::JsonV2 {
        let file = reply::file(&path, "application/vnd.speechmatics.v2+json").await?;
        return file.ok_or_else(Refusal::job_not_found);
    }
    let store = Arc::clone(&sandbox.store);
    let text = sandbox.blocking(move || {
        let config = JobConfig::parse(&store.record(&id)?.config);
        let config = config.map_err(|refusal| std::io::Error::other(refusal.detail))?;
        Ok(transcript::as_text(&std::fs::read(path)?, &config, format)?)
    });
    Ok(reply::text(StatusCode::OK, "text/plain; charset=utf-8", text.await?))
}

/// `GET /v2/jobs/{id}/log`
pub(crate) async fn log(sandbox: &Sandbox, id: JobId) -> Result<Response<Body>, Refusal> {
    existing(sandbox, &id)?;
    let file = reply::file(&sandbox.store.log_path(&id), "text/plain; charset=utf-8").await?;
    file.ok_or_else(|| Refusal::new(404, ErrorName::LogFileNotAvailable, ""))
}

/// `GET /v2/jobs/{id}/data`
pub(crate) async fn data(sandbox: &Sandbox, id: JobId) -> Result<Response<Body>, Refusal> {
    existing(sandbox, &id)?;
    let file = reply::file(&sandbox.store.data_path(&id), "application/octet-stream").await?;
    let mut response = file.ok_or_else(|| {
        Refusal::new(404, ErrorName::MissingDataFile, "the job's audio has not been fetched")
    })?;
    response.headers_mut().insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

fn existing(sandbox: &Sandbox, id: &JobId) -> Result<Job, Refusal> {
    sandbox.store.job(id).ok_or_else(Refusal::job_not_found)
}
