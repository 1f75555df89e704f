//! Creates on their way: what a crash can leave between engine and ledger.

use std::sync::Arc;

use domain::{ApiKeyId, ClientRef, ProjectId, RequestId, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};

use crate::entity::{intent, job, orphan};
use crate::{JobFacts, JobState, Ledger, LedgerError, times};

/// The number of a create on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntentId(i64);

/// Who is about to create a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIntent {
    /// The project.
    pub project_id: ProjectId,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// The API key, or the parent.
    pub api_key_id: ApiKeyId,
    /// The request.
    pub request_id: RequestId,
}

/// A create that was begun and has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// When it was begun.
    pub begun_at: Timestamp,
}

impl Ledger {
    /// Writes down that a create is about to be forwarded.
    ///
    /// # Errors
    /// When the database fails: then nothing may be forwarded.
    pub async fn intend(&self, new: &NewIntent, now: Timestamp) -> Result<IntentId, LedgerError> {
        let row = intent::ActiveModel {
            id: NotSet,
            project_id: Set(new.project_id.get()),
            client_ref: Set(new.client_ref.as_ref().map(|client_ref| client_ref.as_str().to_owned())),
            api_key_id: Set(new.api_key_id.to_string()),
            request_id: Set(new.request_id.to_string()),
            begun_at: Set(now.as_micros()),
        };
        let tx = self.db.write().await?;
        let inserted = intent::Entity::insert(row).exec(&tx).await?;
        tx.commit().await?;
        Ok(IntentId(inserted.last_insert_id))
    }

    /// Writes down whose the new job is, and ends the intent. Only then may the client be answered.
    ///
    /// # Errors
    /// When the database fails, or the id is another job's: then the job must be deleted at the engine.
    pub async fn record(
        &self,
        intent_id: IntentId,
        new: &NewIntent,
        job_id: &str,
        now: Timestamp,
    ) -> Result<Arc<JobFacts>, LedgerError> {
        let tx = self.db.write().await?;
        let created_at = times::unique_time(&tx, now).await?;
        let client_ref = new.client_ref.as_ref().map(|client_ref| client_ref.as_str().to_owned());
        let row = job::ActiveModel {
            id: Set(job_id.to_owned()),
            project_id: Set(new.project_id.get()),
            client_ref: Set(client_ref),
            api_key_id: Set(Some(new.api_key_id.to_string())),
            created_at: Set(created_at.as_micros()),
            state: Set(JobState::Live.as_str().to_owned()),
            settled: Set(false),
            asked_at: Set(now.as_micros()),
            ..Default::default()
        };
        job::Entity::insert(row).exec(&tx).await.map_err(|error| match sql::SqlError::from(error) {
            unique if unique.is_unique_violation() => LedgerError::JobExists,
            other => LedgerError::Sql(other),
        })?;
        intent::Entity::delete_by_id(intent_id.0).exec(&tx).await?;
        let facts = Arc::new(JobFacts {
            id: job_id.into(),
            project_id: new.project_id,
            client_ref: new.client_ref.clone(),
            created_at,
            state: JobState::Live,
            status: None,
            settled: false,
        });
        let turn = tx.commit().await?;
        self.facts.insert(job_id.to_owned(), facts.clone());
        drop(turn);
        Ok(facts)
    }

    /// Ends an intent that made no job.
    ///
    /// # Errors
    /// When the database fails; the intent is then looked into at the next start.
    pub async fn abandon(&self, intent_id: IntentId) -> Result<(), LedgerError> {
        let tx = self.db.write().await?;
        intent::Entity::delete_by_id(intent_id.0).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The intents that have not ended, oldest first. At a start those are what a crash left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_intents(&self) -> Result<Vec<Intent>, LedgerError> {
        let rows = intent::Entity::find().order_by_asc(intent::Column::Id).all(self.db.read()).await?;
        let intent = |row: intent::Model| Intent {
            id: IntentId(row.id),
            begun_at: Timestamp::from_micros(row.begun_at),
        };
        Ok(rows.into_iter().map(intent).collect())
    }

    /// Remembers a job that a crash left at the engine, and whether it could be deleted there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_orphan(&self, job_id: &str, deleted: bool, now: Timestamp) -> Result<(), LedgerError> {
        let row = orphan::ActiveModel {
            job_id: Set(job_id.to_owned()),
            found_at: Set(now.as_micros()),
            deleted: Set(deleted),
        };
        let tx = self.db.write().await?;
        let again =
            OnConflict::column(orphan::Column::JobId).update_column(orphan::Column::Deleted).to_owned();
        orphan::Entity::insert(row).on_conflict(again).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// How many jobs crashes have left at the engine in all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn orphans_count(&self) -> Result<u64, LedgerError> {
        Ok(orphan::Entity::find().count(self.db.read()).await?)
    }
}
