//! The audio of jobs: booked once, when the engine has told how long it was.
//!
//! A job stands in the ledger of its region; usage and quotas are kept in one ledger of the gateway. So a job is booked there first,
//! under its name, and then marked here. A crash in between books it again, which changes nothing.

use domain::link::UsageRecord;
use domain::{ApiKeyId, ClientRef, ProjectId, Region, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TryInsertResult,
};

use crate::entity::{booked_job, job};
use crate::leashes::{CounterKey, audio, enter, set_audio};
use crate::{Ledger, LedgerError, journal};

/// How long it is remembered that a job was booked, in seconds. It is marked at its own place right after.
const KEPT_SECONDS: i64 = 40 * 24 * 3600;
/// The status of jobs whose audio counts.
const COUNTED_STATUS: &str = "done";
/// Microseconds of a second.
const SECOND_MICROS: f64 = 1e6;

/// A job whose audio is to be booked.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedJob {
    /// The engine's id.
    pub id: String,
    /// The project that made it.
    pub project_id: ProjectId,
    /// The API key that made it, or its parent.
    pub api_key_id: ApiKeyId,
    /// The end user that it was made for.
    pub client_ref: Option<ClientRef>,
    /// How long its audio is, in microseconds.
    pub audio_micros: u64,
}

/// What a job is booked as.
#[derive(Debug, Clone)]
pub struct Booking {
    /// The job.
    pub job_id: String,
    /// Its region.
    pub region: Region,
    /// How long its audio is, in microseconds.
    pub audio_micros: u64,
    /// The quotas that it counts against.
    pub counters: Vec<CounterKey>,
    /// The usage that it is.
    pub usage: UsageRecord,
}

impl Ledger {
    /// Finished jobs of this region whose audio is not booked yet, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unbooked_jobs(&self, limit: u64) -> Result<Vec<FinishedJob>, LedgerError> {
        let rows = job::Entity::find()
            .filter(job::Column::Booked.eq(false))
            .filter(job::Column::Status.eq(COUNTED_STATUS))
            .filter(job::Column::DurationSeconds.is_not_null())
            .filter(job::Column::ApiKeyId.is_not_null())
            .order_by_asc(job::Column::CreatedAt)
            .limit(limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(finished).collect()
    }

    /// Books jobs, each once however often it is asked for: as usage that control is yet to count, and on the counters of quotas.
    /// All of it or, if the database fails, nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn book_jobs(&self, bookings: &[Booking], now: Timestamp) -> Result<(), LedgerError> {
        let tx = self.db.write().await?;
        booked_job::Entity::delete_many()
            .filter(booked_job::Column::ForgetAt.lt(now.as_micros()))
            .exec(&tx)
            .await?;
        let mut usage = Vec::new();
        for booking in bookings {
            if !claim(&tx, booking, now).await? {
                continue;
            }
            for key in &booking.counters {
                enter(&tx, key, now).await?;
                let before = audio(&tx, &key.id).await?;
                set_audio(&tx, &key.id, before.saturating_add(booking.audio_micros)).await?;
            }
            usage.push(booking.usage.clone());
        }
        if !usage.is_empty() {
            journal::append(&tx, &usage).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Marks jobs of this region as booked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs_booked(&self, job_ids: &[String]) -> Result<(), LedgerError> {
        let tx = self.db.write().await?;
        job::Entity::update_many()
            .col_expr(job::Column::Booked, Expr::value(true))
            .filter(job::Column::Id.is_in(job_ids.iter().map(String::as_str)))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Takes a job's name; `false` when it was taken before.
async fn claim(tx: &impl ConnectionTrait, booking: &Booking, now: Timestamp) -> Result<bool, LedgerError> {
    let row = booked_job::ActiveModel {
        region: Set(booking.region.as_str().to_owned()),
        job_id: Set(booking.job_id.clone()),
        forget_at: Set(now.plus_seconds(KEPT_SECONDS).as_micros()),
    };
    let insert = booked_job::Entity::insert(row)
        .on_conflict_do_nothing_on([booked_job::Column::Region, booked_job::Column::JobId])
        .exec(tx)
        .await?;
    Ok(matches!(insert, TryInsertResult::Inserted(_)))
}

fn finished(row: job::Model) -> Result<FinishedJob, LedgerError> {
    let impossible = |column| LedgerError::Impossible { table: "jobs", column };
    let client_ref =
        row.client_ref.map(ClientRef::try_from).transpose().map_err(|_| impossible("client_ref"))?;
    let api_key_id = row.api_key_id.as_deref().and_then(ApiKeyId::parse);
    Ok(FinishedJob {
        id: row.id,
        project_id: ProjectId::new(row.project_id),
        api_key_id: api_key_id.ok_or_else(|| impossible("api_key_id"))?,
        client_ref,
        // A cast of a number out of range gives the nearest one that fits.
        audio_micros: (row.duration_seconds.unwrap_or(0.0) * SECOND_MICROS) as u64,
    })
}
