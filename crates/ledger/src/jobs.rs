//! Single jobs: found, seen, deleted.

use std::sync::Arc;

use domain::{ClientRef, ProjectId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::entity::job;
use crate::{Job, JobFacts, JobState, Ledger, LedgerError, Owner, Seen};

impl TryFrom<job::Model> for Job {
    type Error = LedgerError;

    fn try_from(row: job::Model) -> Result<Self, LedgerError> {
        let impossible = |column| LedgerError::Impossible { table: "jobs", column };
        let client_ref =
            row.client_ref.map(ClientRef::try_from).transpose().map_err(|_| impossible("client_ref"))?;
        let facts = JobFacts {
            id: row.id.into(),
            project_id: ProjectId::new(row.project_id),
            client_ref,
            created_at: Timestamp::from_micros(row.created_at),
            state: JobState::from_name(&row.state).ok_or_else(|| impossible("state"))?,
            status: row.status.map(Into::into),
            settled: row.settled,
        };
        Ok(Self { facts: Arc::new(facts), object: row.object })
    }
}

/// All jobs of an owner: where every query begins.
pub(crate) fn owned(owner: &Owner) -> Select<job::Entity> {
    let jobs = job::Entity::find().filter(job::Column::ProjectId.eq(owner.project_id.get()));
    match &owner.client_ref {
        Some(client_ref) => jobs.filter(job::Column::ClientRef.eq(client_ref.as_str())),
        None => jobs,
    }
}

impl Ledger {
    /// The facts of a job of this owner; another's job is unknown. Answered from memory where nobody else can have changed
    /// them since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, owner: &Owner, job_id: &str) -> Result<Option<Arc<JobFacts>>, LedgerError> {
        if !self.db.is_shared()
            && let Some(facts) = self.facts.get(job_id)
        {
            return Ok(owner.owns(facts.project_id, facts.client_ref.as_ref()).then_some(facts));
        }
        // Boxed: the usual way out is the one above, and a caller's future should be short.
        Ok(Box::pin(self.find_with_object(owner, job_id)).await?.map(|job| job.facts))
    }

    /// A job of this owner with its last object.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_with_object(&self, owner: &Owner, job_id: &str) -> Result<Option<Job>, LedgerError> {
        // The place in memory is taken before the row is read: a change in between removes it, and then nothing stale is kept.
        let guard = self.facts.get_value_or_guard_async(job_id).await;
        let row = owned(owner).filter(job::Column::Id.eq(job_id)).one(self.db.read()).await?;
        let Some(job) = row.map(Job::try_from).transpose()? else { return Ok(None) };
        if let Err(guard) = guard {
            // Fails only if the entry was removed meanwhile, which is what the guard is for.
            let _ = guard.insert(job.facts.clone());
        }
        Ok(Some(job))
    }

    /// Remembers what the engine told of a job. One that was lost lives again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seen(&self, job_id: &str, seen: &Seen) -> Result<(), LedgerError> {
        let change = job::ActiveModel {
            state: Set(JobState::Live.as_str().to_owned()),
            status: Set(Some(seen.status.clone())),
            settled: Set(seen.settled),
            object: Set(Some(seen.object.clone())),
            duration_seconds: Set(seen.duration_seconds),
            kind: Set(seen.kind.clone()),
            language: Set(seen.language.clone()),
            model: Set(seen.model.clone()),
            ..Default::default()
        };
        self.change(job_id, change, None).await?;
        Ok(())
    }

    /// Deletes a job of this owner; says whether there was one that could be.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, owner: &Owner, job_id: &str) -> Result<bool, LedgerError> {
        self.change(job_id, in_state(JobState::Deleted), Some(owner)).await
    }

    /// Marks a job that the engine dropped for its age.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire(&self, job_id: &str) -> Result<(), LedgerError> {
        self.change(job_id, in_state(JobState::Expired), None).await?;
        Ok(())
    }

    /// Marks a job that the engine doesn't know any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lose(&self, job_id: &str) -> Result<(), LedgerError> {
        self.change(job_id, in_state(JobState::Lost), None).await?;
        Ok(())
    }

    /// Changes a job that was not deleted and has not expired.
    async fn change(
        &self,
        job_id: &str,
        change: job::ActiveModel,
        owner: Option<&Owner>,
    ) -> Result<bool, LedgerError> {
        let tx = self.db.write().await?;
        let mut update = job::Entity::update_many()
            .set(change)
            .filter(job::Column::Id.eq(job_id))
            .filter(job::Column::State.is_in([JobState::Live.as_str(), JobState::Lost.as_str()]));
        if let Some(owner) = owner {
            update = update.filter(job::Column::ProjectId.eq(owner.project_id.get()));
            if let Some(client_ref) = &owner.client_ref {
                update = update.filter(job::Column::ClientRef.eq(client_ref.as_str()));
            }
        }
        let changed = update.exec(&tx).await?.rows_affected > 0;
        let turn = tx.commit().await?;
        self.facts.remove(job_id);
        drop(turn);
        Ok(changed)
    }

    /// Jobs whose end nobody has seen, those that were asked for longest ago first; marks them as asked for now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled(
        &self,
        asked_before: Timestamp,
        limit: u64,
        now: Timestamp,
    ) -> Result<Vec<String>, LedgerError> {
        let ids: Vec<String> = job::Entity::find()
            .select_only()
            .column(job::Column::Id)
            .filter(job::Column::Settled.eq(false))
            .filter(job::Column::State.eq(JobState::Live.as_str()))
            .filter(job::Column::AskedAt.lt(asked_before.as_micros()))
            .order_by_asc(job::Column::AskedAt)
            .order_by_asc(job::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        if ids.is_empty() {
            return Ok(ids);
        }
        let tx = self.db.write().await?;
        job::Entity::update_many()
            .col_expr(job::Column::AskedAt, Expr::value(now.as_micros()))
            .filter(job::Column::Id.is_in(ids.iter().map(String::as_str)))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(ids)
    }

    /// Which of these ids the ledger knows, whoever owns them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known(&self, job_ids: &[String]) -> Result<Vec<String>, LedgerError> {
        const IDS_AT_ONCE: usize = 500;
        let mut known = Vec::new();
        for some in job_ids.chunks(IDS_AT_ONCE) {
            let found: Vec<String> = job::Entity::find()
                .select_only()
                .column(job::Column::Id)
                .filter(job::Column::Id.is_in(some.iter().map(String::as_str)))
                .into_tuple()
                .all(self.db.read())
                .await?;
            known.extend(found);
        }
        Ok(known)
    }
}

fn in_state(state: JobState) -> job::ActiveModel {
    job::ActiveModel { state: Set(state.as_str().to_owned()), ..Default::default() }
}
