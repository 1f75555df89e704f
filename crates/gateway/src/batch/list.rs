//! Lists: the ledger says which jobs and in which order, the engine fills in the details of those that may still change.
//!
//! A list is made while it is read, a few jobs at a time: however many there are and however long their configurations, a client that
//! doesn't read costs no more than these.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use domain::{Reason, Refusal};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use ledger::{Job, JobFacts, JobState, ListQuery};
use tokio::time::timeout;

use super::call::Call;
use super::internal;
use super::object::{JobObject, Told, write_remembered};
use super::read::{Look, look};
use crate::limits::{LIST_JOBS_MAX, LIST_LOOKUPS_AT_ONCE_MAX, LIST_LOOKUPS_MAX, LIST_ROWS_AT_ONCE_MAX};
use crate::policy::Query;
use crate::{Body, BodyError, answer};

/// `GET /v2/jobs`. What fails before the first jobs are there is refused; what fails behind them breaks the answer off.
pub(super) async fn list(call: &Call<'_>, query: &Query) -> Result<Response<Body>, Refusal> {
    // Without an engine the region is down, also for what the ledger could tell.
    call.engine()?;
    let mut listing = Listing::begin(query);
    let first = listing.next(call).await?;
    if listing.is_over() {
        return Ok(answer::json_bytes(StatusCode::OK, first, call.request_id));
    }
    // Whoever reads an answer waits for no more than a stop of the engine; a connection on which nothing moves for longer is idle.
    listing.lookup_max = Some(Duration::from_secs(call.gateway.limits().engine_stall_seconds_max));
    let rest = stream::try_unfold((listing, call.keep()), |(mut listing, kept)| async {
        if listing.is_over() {
            return Ok(None);
        }
        let bytes = listing.next_for(&kept.call()).await?;
        Ok(Some((Frame::data(bytes), (listing, kept))))
    });
    let frames = stream::iter([Ok::<_, BodyError>(Frame::data(first))]).chain(rest);
    Ok(answer::json_body(StatusCode::OK, Body::boxed(StreamBody::new(frames)), call.request_id))
}

/// A list on its way.
struct Listing {
    wanted: ListQuery,
    /// The last job that the ledger told of.
    behind: Option<Arc<JobFacts>>,
    /// Jobs of the ledger that aren't written yet.
    rows: VecDeque<Job>,
    /// How many jobs the engine may still be asked about.
    lookups_left: usize,
    /// How long one look-up may take, where that is less than any answer of the engine.
    lookup_max: Option<Duration>,
    stage: Stage,
}

#[derive(PartialEq, Eq)]
enum Stage {
    /// Nothing is written.
    Begun,
    /// The list is open; what is written next is the first job of it.
    Empty,
    /// The next job comes behind another.
    Filled,
    /// All is written.
    Over,
}

impl Listing {
    fn begin(query: &Query) -> Self {
        let wanted = ListQuery {
            limit: query.limit.unwrap_or(LIST_JOBS_MAX),
            created_before: query.created_before,
            created_after: query.created_after,
            include_deleted: query.include_deleted,
        };
        Self {
            wanted,
            behind: None,
            rows: VecDeque::new(),
            lookups_left: LIST_LOOKUPS_MAX,
            lookup_max: None,
            stage: Stage::Begun,
        }
    }

    fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The next piece, for somebody who may have lost the right to it since the last one.
    async fn next_for(&mut self, call: &Call<'_>) -> Result<Bytes, BodyError> {
        call.still_good().map_err(|_| BodyError::Cut)?;
        let piece = self.next(call).await.map_err(|refusal| BodyError::Broken(refusal.detail.into()))?;
        // Engines may have taken their time.
        call.still_good().map_err(|_| BodyError::Cut)?;
        Ok(piece)
    }

    /// The next piece: a few jobs, and what stands around all of them.
    async fn next(&mut self, call: &Call<'_>) -> Result<Bytes, Refusal> {
        let mut out = BytesMut::new();
        if self.stage == Stage::Begun {
            out.put_slice(b"{\"jobs\":[");
            self.stage = Stage::Empty;
        }
        self.fetch(call).await?;
        let few: Vec<Job> = self.rows.drain(..self.rows.len().min(LIST_LOOKUPS_AT_ONCE_MAX)).collect();
        let details = self.details(call, &few).await?;
        for (job, detail) in few.iter().zip(&details) {
            self.write(job, detail, &mut out);
        }
        if self.rows.is_empty() && self.wanted.limit == 0 {
            out.put_slice(b"]}");
            self.stage = Stage::Over;
        }
        Ok(out.freeze())
    }

    /// Has the ledger tell of more jobs once those that it told of are written.
    async fn fetch(&mut self, call: &Call<'_>) -> Result<(), Refusal> {
        if !self.rows.is_empty() {
            return Ok(());
        }
        let limit = self.wanted.limit.min(LIST_ROWS_AT_ONCE_MAX);
        let page = ListQuery { limit, ..self.wanted };
        let jobs = call.site.ledger.list(&call.owner(), &page, self.behind.as_deref()).await;
        self.rows = jobs.map_err(|error| internal(&error, call.request_id))?.into();
        let told = self.rows.len() as u64;
        // Fewer than were asked for: there are no more.
        self.wanted.limit = if told < limit { 0 } else { self.wanted.limit - told };
        self.behind = self.rows.back().map(|job| Arc::clone(&job.facts));
        Ok(())
    }

    /// Asks the engine about the jobs that may have changed, all at once.
    async fn details(&mut self, call: &Call<'_>, jobs: &[Job]) -> Result<Vec<Detail>, Refusal> {
        let (mut asked, lookup_max) = (Vec::new(), self.lookup_max);
        for job in jobs {
            let unsettled = job.facts.state == JobState::Live && !job.facts.settled;
            let is_asked = unsettled && self.lookups_left > 0;
            self.lookups_left -= usize::from(is_asked);
            asked.push(async move {
                match lookup_max {
                    _ if !is_asked => Ok(Detail::None),
                    None => detail(call, job).await,
                    // It is told as it was last seen.
                    Some(max) => timeout(max, detail(call, job)).await.unwrap_or(Ok(Detail::None)),
                }
            });
        }
        join_all(asked).await.into_iter().collect()
    }

    fn write(&mut self, job: &Job, detail: &Detail, out: &mut BytesMut) {
        let told = match (detail, self.wanted.include_deleted) {
            (Detail::Gone, false) => return,
            (Detail::Gone, true) => Told::Deleted,
            (Detail::Lost, _) => lost(job),
            _ => Told::of(job),
        };
        if self.stage == Stage::Filled {
            out.put_u8(b',');
        }
        self.stage = Stage::Filled;
        write_job(job, detail, told, out);
    }
}

/// What the engine told of a job on the list.
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

async fn detail(call: &Call<'_>, job: &Job) -> Result<Detail, Refusal> {
    match look(call, &job.facts, None).await {
        Ok(Look::Fresh(bytes)) => Ok(Detail::Fresh(bytes)),
        Ok(Look::Remembered(_)) => Ok(Detail::Lost),
        // One job that the engine can't tell of hides no others.
        Ok(Look::Refused(_) | Look::Broken(_)) => Ok(Detail::None),
        Err(refusal) => match refusal.reason {
            Reason::JobNotFound | Reason::JobExpired => Ok(Detail::Gone),
            Reason::EngineDown => Err(refusal),
            _ => Ok(Detail::None),
        },
    }
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
    let facts = JobFacts { state: JobState::Lost, ..job.facts.as_ref().clone() };
    Told::of(&Job { facts: facts.into(), object: None })
}
