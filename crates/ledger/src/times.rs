//! The times of jobs: no two that are made here share one, whichever program makes them.

use domain::Timestamp;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, OnConflict, Query, SimpleExpr};
use sea_orm::{ConnectionTrait, DbErr};

use crate::entity::counter;

/// The counter that holds the newest time of a job, in microseconds.
pub(crate) const NEWEST_JOB: &str = "newest_job";

/// A creation time that no job has: `now`, or as little later as it takes. Others wait for theirs until the transaction
/// ends, so that times rise in the order of commits.
pub(crate) async fn unique_time(tx: &impl ConnectionTrait, now: Timestamp) -> Result<Timestamp, DbErr> {
    Ok(Timestamp::from_micros(raise(tx, now, newest().add(1)).await?))
}

/// Adopted jobs bring their own time; later ones must not collide with it.
pub(crate) async fn saw_time(tx: &impl ConnectionTrait, time: Timestamp) -> Result<(), DbErr> {
    raise(tx, time, newest()).await?;
    Ok(())
}

fn newest() -> SimpleExpr {
    Expr::col((counter::Entity, counter::Column::Value))
}

/// Raises the newest time to `time`, or to what `otherwise` says where it isn't older than that; tells it.
async fn raise(tx: &impl ConnectionTrait, time: Timestamp, otherwise: SimpleExpr) -> Result<i64, DbErr> {
    let micros = time.as_micros();
    let raised = CaseStatement::new().case(newest().gte(micros), otherwise).finally(micros);
    let insert = Query::insert()
        .into_table(counter::Entity)
        .columns([counter::Column::Name, counter::Column::Value])
        .values([NEWEST_JOB.into(), micros.into()])
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .on_conflict(
            OnConflict::column(counter::Column::Name).value(counter::Column::Value, raised).to_owned(),
        )
        .returning_col(counter::Column::Value)
        .to_owned();
    let row = tx.query_one(&insert).await?;
    row.map_or(Ok(micros), |row| row.try_get_by_index(0))
}
