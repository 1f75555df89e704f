//! Forgetting an end user's jobs: at the engine where it can, and in the ledger.

use std::sync::Arc;

use domain::{ClientRef, Month, ProjectId, QuotaSubject, Region, RequestId};
use ledger::{JobFacts, JobState, LedgerError, ListQuery, Owner};

use super::create::take_back;
use crate::gateway::BatchSite;
use crate::{Gateway, quota};

/// Jobs that are taken from the ledger at once.
const JOBS_AT_ONCE: u64 = 200;

/// What became of an end user's jobs in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgottenJobs {
    /// The region.
    pub region: Region,
    /// Jobs that are forgotten.
    pub forgotten: u64,
    /// Of these, jobs that the engine keeps, since it can't delete any: nobody reads them here.
    pub kept_at_engine: u64,
    /// Jobs that the engine didn't delete when it was asked: they are not forgotten, and older ones may be left, too.
    pub failed: u64,
}

/// What became of one job at the engine.
enum AtEngine {
    Gone,
    Kept,
    Failed,
}

impl Gateway {
    /// Forgets the jobs of an end user in every region of this gateway.
    ///
    /// # Errors
    /// When a ledger fails; what was forgotten until then stays so, and doing it again goes on.
    pub async fn forget_jobs(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<Vec<ForgottenJobs>, LedgerError> {
        let mut all = Vec::new();
        for site in self.batch_sites() {
            let request_id = self.request_id(self.now());
            all.push(forget_at(site, project_id, client_ref, request_id).await?);
        }
        if let Some(home) = quota::home(self) {
            let subject = QuotaSubject::ClientRef(project_id, client_ref.clone());
            home.forget_audio(&subject, Month::of(self.now())).await?;
        }
        Ok(all)
    }
}

async fn forget_at(
    site: &BatchSite,
    project_id: ProjectId,
    client_ref: &ClientRef,
    request_id: RequestId,
) -> Result<ForgottenJobs, LedgerError> {
    let owner = Owner { project_id, client_ref: Some(client_ref.clone()) };
    let query =
        ListQuery { limit: JOBS_AT_ONCE, created_before: None, created_after: None, include_deleted: true };
    let mut told = ForgottenJobs { region: site.config.region, forgotten: 0, kept_at_engine: 0, failed: 0 };
    // What is forgotten is the owner's no more, so that the next list begins with the next ones.
    while told.failed == 0 {
        let jobs = site.ledger.list(&owner, &query, None).await?;
        if jobs.is_empty() {
            break;
        }
        let mut gone = Vec::with_capacity(jobs.len());
        for job in &jobs {
            match delete_at_engine(site, &job.facts, request_id).await {
                AtEngine::Gone => gone.push(job.facts.id.to_string()),
                AtEngine::Kept => {
                    told.kept_at_engine += 1;
                    gone.push(job.facts.id.to_string());
                }
                AtEngine::Failed => told.failed += 1,
            }
        }
        told.forgotten += site.ledger.forget_jobs(project_id, client_ref, &gone).await?;
    }
    Ok(told)
}

async fn delete_at_engine(site: &BatchSite, job: &JobFacts, request_id: RequestId) -> AtEngine {
    if !matches!(job.state, JobState::Live | JobState::Lost) {
        return AtEngine::Gone;
    }
    let Some(engine) = site.engine.as_ref().map(Arc::clone) else { return AtEngine::Kept };
    if !site.config.capabilities.delete {
        return AtEngine::Kept;
    }
    match take_back(site, &engine, &job.id, request_id).await {
        true => AtEngine::Gone,
        false => AtEngine::Failed,
    }
}
