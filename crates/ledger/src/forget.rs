//! Forgetting an end user's jobs.

use domain::{ClientRef, Month, ProjectId, QuotaSubject};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::{job, leash};
use crate::{CounterId, JobState, Ledger, LedgerError};

impl Ledger {
    /// Forgets whose these jobs of an end user were, and what the engine told of them. They are deleted from then on; that
    /// there were jobs, how long and of which kind, stays in the project's usage. Tells how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_jobs(
        &self,
        project_id: ProjectId,
        client_ref: &ClientRef,
        job_ids: &[String],
    ) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let forgotten = job::Entity::update_many()
            .set(job::ActiveModel {
                state: Set(JobState::Deleted.as_str().to_owned()),
                settled: Set(true),
                object: Set(None),
                client_ref: Set(None),
                ..Default::default()
            })
            .filter(job::Column::ProjectId.eq(project_id.get()))
            .filter(job::Column::ClientRef.eq(client_ref.as_str()))
            .filter(job::Column::Id.is_in(job_ids.iter().map(String::as_str)))
            .exec(&tx)
            .await?;
        let turn = tx.commit().await?;
        for id in job_ids {
            self.facts.remove(id.as_str());
        }
        drop(turn);
        Ok(forgotten.rows_affected)
    }

    /// Forgets what a quota's subject used in this month and the one before; earlier ones are forgotten already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audio(&self, subject: &QuotaSubject, month: Month) -> Result<(), LedgerError> {
        let of = |month| CounterId::Quota(month, subject.clone()).to_string();
        let tx = self.db.write().await?;
        leash::Entity::delete_many()
            .filter(leash::Column::Id.is_in([of(month), of(month.previous())]))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
