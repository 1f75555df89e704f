//! Reading one job.

use std::time::Duration;

use bytes::Bytes;
use domain::{Reason, Refusal};
use http::{Method, Response, StatusCode};
use ledger::{Job, JobFacts, JobState};
use tokio::time::Instant;

use super::call::Call;
use super::engine::{read_all, translate};
use super::object::{JobObject, Told, envelope, is_final, write_remembered};
use super::{internal, job_expired, job_not_found};
use crate::limits::ENGINE_JSON_BYTES_MAX;
use crate::{Body, BodyError, answer};

/// How often an engine that can't wait is asked, at first and at last.
const POLL_MILLIS_FIRST: u64 = 200;
const POLL_MILLIS_LAST: u64 = 1000;

/// What a look at a job showed.
pub(super) enum Look {
    /// The engine's answer: a sound job object.
    Fresh(Bytes),
    /// The engine doesn't know it; this is what it said last.
    Remembered(Job),
    /// The engine refused.
    Refused(Response<Body>),
    /// The engine's answer broke off, or stopped for too long.
    Broken(Refusal),
}

impl Look {
    /// Whether looking again could show something else.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Fresh(body) => JobObject::in_answer(body).is_none_or(|object| object.is_final()),
            Self::Remembered(_) | Self::Refused(_) | Self::Broken(_) => true,
        }
    }
}

/// `GET /v2/jobs/{id}`. Without `wait` the answer comes at once, which the API allows ("an unspecified short interval").
pub(super) async fn read(
    call: &Call<'_>,
    job: &JobFacts,
    wait: Option<u64>,
) -> Result<Response<Body>, Refusal> {
    let look = match wait {
        None | Some(0) => look(call, job, None).await?,
        Some(seconds) => Box::pin(wait_for(call, job, seconds)).await?,
    };
    let bytes = match look {
        Look::Refused(response) => return Ok(response),
        Look::Broken(refusal) => return Err(refusal),
        Look::Fresh(body) => match JobObject::in_answer(&body) {
            Some(object) => envelope(|out| object.write(out, job.created_at, Told::AsSeen)),
            None => return Err(unsound(call)),
        },
        Look::Remembered(job) => envelope(|out| write_remembered(&job, Told::of(&job), out)),
    };
    Ok(answer::json_bytes(StatusCode::OK, bytes, call.request_id))
}

/// Looks until the job is done, the time is over, or the caller has lost the right to it.
pub(super) async fn wait_for(call: &Call<'_>, job: &JobFacts, seconds: u64) -> Result<Look, Refusal> {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut pause = Duration::from_millis(POLL_MILLIS_FIRST);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let engine_waits = call.site.config.capabilities.wait.then_some(left.as_secs());
        let look = look(call, job, engine_waits).await;
        call.still_good()?;
        let look = look?;
        if look.is_final() || Instant::now() + pause > deadline {
            return Ok(look);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_millis(POLL_MILLIS_LAST));
    }
}

/// Asks the engine for a job, and lets the ledger learn from the answer.
pub(super) async fn look(
    call: &Call<'_>,
    job: &JobFacts,
    engine_waits: Option<u64>,
) -> Result<Look, Refusal> {
    let path = match engine_waits {
        Some(seconds) => format!("/v2/jobs/{}?wait={seconds}", job.id),
        None => format!("/v2/jobs/{}", job.id),
    };
    let response = call.ask(call.engine()?, &Method::GET, &path, false).await?;
    let (parts, body) = response.into_parts();
    let bytes = match read_all(body, ENGINE_JSON_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(BodyError::TooLarge { .. }) => return Err(unsound(call)),
        Err(error) => return Ok(Look::Broken(broken(call, &error))),
    };
    match parts.status {
        StatusCode::OK => {
            learn(call, job, &bytes).await?;
            Ok(Look::Fresh(bytes))
        }
        StatusCode::NOT_FOUND => Ok(Look::Remembered(lose(call, job).await?)),
        StatusCode::GONE => {
            expire(call, job).await?;
            Err(job_expired())
        }
        _ => Ok(Look::Refused(translate(call, &parts, &bytes)?)),
    }
}

/// Lets the ledger learn from a job's object, if it says something new.
async fn learn(call: &Call<'_>, job: &JobFacts, bytes: &[u8]) -> Result<(), Refusal> {
    let object = JobObject::in_answer(bytes).ok_or_else(|| unsound(call))?;
    let known = job.status.as_deref() == Some(object.status());
    if known && job.settled == object.is_final() && job.state == JobState::Live {
        return Ok(());
    }
    let ledger = &call.site.ledger;
    match object.status() {
        "expired" => {
            expire(call, job).await?;
            Err(job_expired())
        }
        "deleted" => {
            ledger.delete(&call.owner(), &job.id).await.map_err(|error| internal(&error, call.request_id))?;
            Err(job_not_found())
        }
        _ => match call.site.seen(&job.id, &object.seen()).await {
            // What can't be written down now is learned at the next look; the answer is there.
            Err(error) if error.is_unavailable() => {
                drop(internal(&error, call.request_id));
                Ok(())
            }
            outcome => outcome.map_err(|error| internal(&error, call.request_id)),
        },
    }
}

async fn expire(call: &Call<'_>, job: &JobFacts) -> Result<(), Refusal> {
    call.site.ledger.expire(&job.id).await.map_err(|error| internal(&error, call.request_id))
}

/// Notes that the engine doesn't know the job, and gives what it said last.
pub(super) async fn lose(call: &Call<'_>, job: &JobFacts) -> Result<Job, Refusal> {
    let ledger = &call.site.ledger;
    let failed = |error| internal(&error, call.request_id);
    if job.state != JobState::Lost {
        ledger.lose(&job.id).await.map_err(failed)?;
    }
    let found = ledger.find_with_object(&call.owner(), &job.id).await.map_err(failed)?;
    match found {
        Some(job) if job.facts.state == JobState::Lost => Ok(job),
        // Deleted or expired while the engine was asked.
        Some(_) | None => Err(job_not_found()),
    }
}

/// Whether what the ledger knows of a job is final.
pub(super) fn known_final(job: &JobFacts) -> bool {
    job.settled || job.status.as_deref().is_some_and(is_final)
}

/// The refusal where an engine's answer could not be read to its end.
fn broken(call: &Call<'_>, error: &BodyError) -> Refusal {
    tracing::warn!(
        request_id = %call.request_id,
        region = %call.site.config.region,
        error = error as &dyn std::error::Error,
        "an engine's answer broke off"
    );
    call.engine_down()
}

/// The refusal where an engine's answer makes no sense.
pub(super) fn unsound(call: &Call<'_>) -> Refusal {
    tracing::error!(
        request_id = %call.request_id,
        region = %call.site.config.region,
        "the engine's answer is no job object"
    );
    Refusal::new(Reason::Internal, "The engine's answer could not be understood.")
}
