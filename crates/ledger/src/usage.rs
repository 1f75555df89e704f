//! `/v2/usage`: what a project's jobs came to.

use domain::{ProjectId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, NullOrdering};
use sea_orm::{ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::job;
use crate::{Ledger, LedgerError};

/// Jobs of one kind, language and model.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageLine {
    /// The type, as in `transcription`.
    pub kind: String,
    /// The language, where it is known.
    pub language: Option<String>,
    /// The model, also called operating point, where it is known.
    pub model: Option<String>,
    /// How many jobs.
    pub count: i64,
    /// How long their audio is, in seconds.
    pub duration_seconds: f64,
}

/// The status of jobs that count.
const COUNTED_STATUS: &str = "done";

impl Ledger {
    /// The finished jobs of a project that were made in `from..until`, by type, language and model. Deleted and expired ones
    /// count as long as they finished before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn usage(
        &self,
        project_id: ProjectId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<UsageLine>, LedgerError> {
        type Row = (Option<String>, Option<String>, Option<String>, i64, Option<f64>);
        let rows: Vec<Row> = job::Entity::find()
            .select_only()
            .column(job::Column::Kind)
            .column(job::Column::Language)
            .column(job::Column::Model)
            .column_as(Expr::col(job::Column::Id).count(), "count")
            .column_as(Expr::col(job::Column::DurationSeconds).sum(), "duration")
            .filter(job::Column::ProjectId.eq(project_id.get()))
            .filter(job::Column::Status.eq(COUNTED_STATUS))
            .filter(job::Column::CreatedAt.gte(from.as_micros()))
            .filter(job::Column::CreatedAt.lt(until.as_micros()))
            .group_by(job::Column::Kind)
            .group_by(job::Column::Language)
            .group_by(job::Column::Model)
            // Said in full, because databases differ on where a missing value goes.
            .order_by_with_nulls(job::Column::Kind, Order::Asc, NullOrdering::First)
            .order_by_with_nulls(job::Column::Language, Order::Asc, NullOrdering::First)
            .order_by_with_nulls(job::Column::Model, Order::Asc, NullOrdering::First)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let line = |(kind, language, model, count, duration): Row| UsageLine {
            kind: kind.unwrap_or_else(|| String::from("transcription")),
            language,
            model,
            count,
            duration_seconds: duration.unwrap_or(0.0),
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// When the project's first job was made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_job_at(&self, project_id: ProjectId) -> Result<Option<Timestamp>, LedgerError> {
        let first: Option<i64> = job::Entity::find()
            .select_only()
            .column(job::Column::CreatedAt)
            .filter(job::Column::ProjectId.eq(project_id.get()))
            .order_by_asc(job::Column::CreatedAt)
            .limit(1)
            .into_tuple()
            .one(self.db.read())
            .await?;
        Ok(first.map(Timestamp::from_micros))
    }

    /// Jobs of a project, made in `from..until`, whose end nobody has seen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled_of(
        &self,
        project_id: ProjectId,
        from: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<String>, LedgerError> {
        Ok(job::Entity::find()
            .select_only()
            .column(job::Column::Id)
            .filter(job::Column::ProjectId.eq(project_id.get()))
            .filter(job::Column::Settled.eq(false))
            .filter(job::Column::State.eq(crate::JobState::Live.as_str()))
            .filter(job::Column::CreatedAt.gte(from.as_micros()))
            .filter(job::Column::CreatedAt.lt(until.as_micros()))
            .order_by_asc(job::Column::CreatedAt)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?)
    }
}
