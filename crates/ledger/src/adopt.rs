//! Jobs that were at the engine before Voxgate.

use domain::{ApiKeyId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::{EntityTrait, TryInsertResult};

use crate::entity::{job, orphan};
use crate::{JobState, Ledger, LedgerError, Owner, Seen, times};

/// A job to take in.
#[derive(Debug, Clone, PartialEq)]
pub struct AdoptedJob {
    /// The engine's id.
    pub id: String,
    /// When the engine says that it was made.
    pub created_at: Timestamp,
    /// What the engine tells of it.
    pub seen: Seen,
}

/// What became of the jobs to take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Adopted {
    /// Taken in now.
    pub taken: u64,
    /// Known before, whoever owns them: those are left as they are.
    pub known: u64,
}

impl Ledger {
    /// Takes in jobs for an owner: all of them or, if the database fails, none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn adopt(
        &self,
        owner: &Owner,
        api_key_id: Option<ApiKeyId>,
        jobs: &[AdoptedJob],
    ) -> Result<Adopted, LedgerError> {
        let mut adopted = Adopted::default();
        let tx = self.db.write().await?;
        for one in jobs {
            let insert = job::Entity::insert(row(owner, api_key_id, one))
                .on_conflict_do_nothing_on([job::Column::Id])
                .exec(&tx)
                .await?;
            if matches!(insert, TryInsertResult::Inserted(_)) {
                adopted.taken += 1;
                orphan::Entity::delete_by_id(one.id.as_str()).exec(&tx).await?;
            } else {
                adopted.known += 1;
            }
        }
        if let Some(newest) = jobs.iter().map(|one| one.created_at).max() {
            times::saw_time(&tx, newest).await?;
        }
        tx.commit().await?;
        Ok(adopted)
    }
}

fn row(owner: &Owner, api_key_id: Option<ApiKeyId>, one: &AdoptedJob) -> job::ActiveModel {
    let seen = &one.seen;
    job::ActiveModel {
        id: Set(one.id.clone()),
        project_id: Set(owner.project_id.get()),
        client_ref: Set(owner.client_ref.as_ref().map(|client_ref| client_ref.as_str().to_owned())),
        api_key_id: Set(api_key_id.map(|id| id.to_string())),
        created_at: Set(one.created_at.as_micros()),
        state: Set(JobState::Live.as_str().to_owned()),
        status: Set(Some(seen.status.clone())),
        settled: Set(seen.settled),
        object: Set(Some(seen.object.clone())),
        duration_seconds: Set(seen.duration_seconds),
        kind: Set(seen.kind.clone()),
        language: Set(seen.language.clone()),
        model: Set(seen.model.clone()),
        asked_at: Set(one.created_at.as_micros()),
        // What was before Voxgate is nobody's usage.
        booked: Set(true),
    }
}
