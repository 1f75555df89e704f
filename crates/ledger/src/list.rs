//! Lists: which jobs, in which order.

use domain::Timestamp;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::job;
use crate::jobs::owned;
use crate::{Job, JobFacts, JobState, Ledger, LedgerError, Owner};

/// What a list asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListQuery {
    /// At most so many.
    pub limit: u64,
    /// Only jobs made before this moment.
    pub created_before: Option<Timestamp>,
    /// Only jobs made after this moment.
    pub created_after: Option<Timestamp>,
    /// Whether jobs that were deleted or have expired are listed too.
    pub include_deleted: bool,
}

impl Ledger {
    /// The jobs of an owner, newest first: by creation time, then by id. Only those `behind` a job that was listed before, if one is
    /// given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        owner: &Owner,
        query: &ListQuery,
        behind: Option<&JobFacts>,
    ) -> Result<Vec<Job>, LedgerError> {
        let mut jobs = owned(owner);
        if let Some(last) = behind {
            let micros = last.created_at.as_micros();
            let older = job::Column::CreatedAt.lt(micros);
            jobs = jobs
                .filter(job::Column::CreatedAt.lte(micros))
                .filter(older.or(job::Column::Id.lt(last.id.as_ref())));
        }
        if let Some(before) = query.created_before {
            jobs = jobs.filter(job::Column::CreatedAt.lt(before.as_micros()));
        }
        if let Some(after) = query.created_after {
            jobs = jobs.filter(job::Column::CreatedAt.gt(after.as_micros()));
        }
        if !query.include_deleted {
            jobs = jobs.filter(job::Column::State.is_in([JobState::Live.as_str(), JobState::Lost.as_str()]));
        }
        let rows = jobs
            .order_by_desc(job::Column::CreatedAt)
            .order_by_desc(job::Column::Id)
            .limit(query.limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(Job::try_from).collect()
    }
}
