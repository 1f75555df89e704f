//! Deleting a job: at the engine where it can, and in the ledger always.

use bytes::Bytes;
use domain::{Reason, Refusal};
use http::{Method, Response, StatusCode};
use ledger::{Job, JobFacts};

use super::call::Call;
use super::engine::{read_all, translate};
use super::object::{JobObject, Told, envelope, write_remembered};
use super::read::{Look, look};
use super::{internal, job_expired, job_not_found};
use crate::limits::ENGINE_JSON_BYTES_MAX;
use crate::{Body, answer};

/// `DELETE /v2/jobs/{id}`.
pub(super) async fn delete(call: &Call<'_>, job: &JobFacts, force: bool) -> Result<Response<Body>, Refusal> {
    if !call.site.config.capabilities.delete {
        return bury(call, job, force).await;
    }
    let path = match force {
        true => format!("/v2/jobs/{}?force=true", job.id),
        false => format!("/v2/jobs/{}", job.id),
    };
    let response = call.ask(call.engine()?, &Method::DELETE, &path, false).await?;
    let (parts, body) = response.into_parts();
    let bytes = read_all(body, ENGINE_JSON_BYTES_MAX).await.unwrap_or_default();
    match parts.status {
        status if status.is_success() => deleted(call, job, Some(bytes)).await,
        // It was deleted there before, perhaps by a request of which the answer was lost.
        StatusCode::NOT_FOUND => deleted(call, job, None).await,
        StatusCode::GONE => {
            let failed = |error| internal(&error, call.request_id);
            call.site.ledger.expire(&job.id).await.map_err(failed)?;
            Err(job_expired())
        }
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => bury(call, job, force).await,
        _ => translate(call, &parts, &bytes),
    }
}

/// Deletes where the engine can't: from now on nobody can read the job here. A running one needs `force`, as everywhere.
async fn bury(call: &Call<'_>, job: &JobFacts, force: bool) -> Result<Response<Body>, Refusal> {
    match look(call, job, None).await? {
        Look::Refused(response) => Ok(response),
        Look::Broken(refusal) => Err(refusal),
        Look::Remembered(_) => deleted(call, job, None).await,
        fresh @ Look::Fresh(_) if !force && !fresh.is_final() => {
            let detail = "The job is running. Wait for its end, or delete it with force=true.";
            Err(Refusal::new(Reason::JobRunning, detail))
        }
        Look::Fresh(bytes) => deleted(call, job, Some(bytes)).await,
    }
}

/// Deletes in the ledger and tells what was deleted.
async fn deleted(
    call: &Call<'_>,
    job: &JobFacts,
    engine_said: Option<Bytes>,
) -> Result<Response<Body>, Refusal> {
    let ledger = &call.site.ledger;
    let failed = |error| internal(&error, call.request_id);
    let remembered = ledger.find_with_object(&call.owner(), &job.id).await.map_err(failed)?;
    if !ledger.delete(&call.owner(), &job.id).await.map_err(failed)? {
        // Somebody else was faster.
        return Err(job_not_found());
    }
    let object = engine_said.as_deref().and_then(JobObject::in_answer);
    let bytes = match (object, remembered) {
        (Some(object), _) => envelope(|out| object.write(out, job.created_at, Told::Deleted)),
        (None, Some(remembered)) => envelope(|out| write_remembered(&remembered, Told::Deleted, out)),
        (None, None) => {
            let bare = Job { facts: std::sync::Arc::new(job.clone()), object: None };
            envelope(|out| write_remembered(&bare, Told::Deleted, out))
        }
    };
    Ok(answer::json_bytes(StatusCode::OK, bytes, call.request_id))
}
