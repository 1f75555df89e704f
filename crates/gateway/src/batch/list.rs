//! Lists: the ledger says which jobs and in which order, the engine fills in the details of those that may still change.

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::Refusal;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Response, StatusCode};
use ledger::{Job, JobState, ListQuery};

use super::call::Call;
use super::internal;
use super::object::{JobObject, Told, write_remembered};
use super::read::{Look, look};
use crate::limits::{LIST_JOBS_MAX, LIST_LOOKUPS_AT_ONCE_MAX, LIST_LOOKUPS_MAX};
use crate::policy::Query;
use crate::{Body, answer};

/// `GET /v2/jobs`.
pub(super) async fn list(call: &Call<'_>, query: &Query) -> Result<Response<Body>, Refusal> {
    // Without an engine the region is down, also for what the ledger could tell.
    call.engine()?;
    let wanted = ListQuery {
        limit: query.limit.unwrap_or(LIST_JOBS_MAX),
        created_before: query.created_before,
        created_after: query.created_after,
        include_deleted: query.include_deleted,
    };
    let jobs = call.site.ledger.list(&call.owner(), &wanted).await;
    let jobs = jobs.map_err(|error| internal(&error, call.request_id))?;
    let mut details = details(call, &jobs).await?.into_iter().peekable();
    let mut out = BytesMut::new();
    out.put_slice(b"{\"jobs\":[");
    let mut separator: &[u8] = b"";
    for (index, job) in jobs.iter().enumerate() {
        let detail = details.next_if(|(at, _)| *at == index).map_or(Detail::None, |(_, detail)| detail);
        let mut write = |told| {
            out.put_slice(separator);
            separator = b",";
            write_job(job, &detail, told, &mut out);
        };
        match (&detail, query.include_deleted) {
            (Detail::Gone, false) => {}
            (Detail::Gone, true) => write(Told::Deleted),
            (Detail::Lost, _) => write(lost(job)),
            _ => write(Told::of(job)),
        }
    }
    out.put_slice(b"]}");
    Ok(answer::json_bytes(StatusCode::OK, out.freeze(), call.request_id))
}

/// What the engine told of a job on the page.
enum Detail {
    /// It wasn't asked, or said nothing useful.
    None,
    /// A sound object.
    Fresh(Bytes),
    /// It doesn't know the job.
    Lost,
    /// The job was deleted or has expired there.
    Gone,
}

fn write_job(job: &Job, detail: &Detail, told: Told, out: &mut BytesMut) {
    if let Detail::Fresh(bytes) = detail
        && let Some(object) = JobObject::in_answer(bytes)
    {
        return object.write(out, job.facts.created_at, told);
    }
    write_remembered(job, told, out);
}

/// How a job that the engine has just lost is told.
fn lost(job: &Job) -> Told {
    let facts = ledger::JobFacts { state: JobState::Lost, ..job.facts.as_ref().clone() };
    Told::of(&Job { facts: facts.into(), object: None })
}

/// Asks the engine about the jobs that may have changed, a bounded number of them, a few at once. In the order of the page.
async fn details(call: &Call<'_>, jobs: &[Job]) -> Result<Vec<(usize, Detail)>, Refusal> {
    let mut asked = Vec::new();
    let unsettled = |(_, job): &(usize, &Job)| job.facts.state == JobState::Live && !job.facts.settled;
    for (index, job) in jobs.iter().enumerate().filter(unsettled).take(LIST_LOOKUPS_MAX) {
        asked.push(async move { (index, look(call, &job.facts, None).await) }.boxed());
    }
    let mut looks = stream::iter(asked).buffered(LIST_LOOKUPS_AT_ONCE_MAX);
    let mut details = Vec::new();
    while let Some((index, look)) = looks.next().await {
        let detail = match look {
            Ok(Look::Fresh(bytes)) => Detail::Fresh(bytes),
            Ok(Look::Remembered(_)) => Detail::Lost,
            // One job that the engine can't tell of hides no others.
            Ok(Look::Refused(_) | Look::Broken(_)) => Detail::None,
            Err(refusal) => match refusal.reason {
                domain::Reason::JobNotFound | domain::Reason::JobExpired => Detail::Gone,
                domain::Reason::EngineDown => return Err(refusal),
                _ => Detail::None,
            },
        };
        details.push((index, detail));
    }
    Ok(details)
}
