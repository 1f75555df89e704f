//! Usage that the control plane has not counted yet, in numbered batches.

use std::collections::BTreeMap;

use domain::link::{SessionEnd, SessionEvent, UsageRecord};
use domain::{Rng, SessionId, Timestamp};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use serde::{Deserialize, Serialize};

use crate::entity::{counter, open_session, usage_batch};
use crate::{Ledger, LedgerError};

/// A batch that waits to be counted.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageBatch {
    /// Its number; each has a larger one than those before it, also over restarts.
    pub number: u64,
    /// What was used.
    pub records: Vec<UsageRecord>,
    /// Sessions that began or ended.
    pub sessions: Vec<SessionEvent>,
}

/// The form of a batch that tells of sessions; one of usage is a bare list.
#[derive(Serialize, Deserialize)]
struct Sessions<S> {
    sessions: S,
}

/// Sessions that are told of in one batch.
const SESSIONS_PER_BATCH_MAX: usize = 1000;
/// Rows of open sessions that are written at once.
const ROWS_AT_ONCE_MAX: usize = 500;

/// The counter that numbers batches.
pub(crate) const NUMBERS: &str = "usage_batches";
/// Where a ledger keeps what tells its journal from every other one.
const JOURNAL: &str = "journal";

impl Ledger {
    /// The name of this ledger's journal, which no other ledger has: batches are numbered within it. It is drawn when it is first
    /// asked for, and kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_name(&self, rng: &dyn Rng) -> Result<String, LedgerError> {
        let mut bytes = [0; 8];
        rng.fill(&mut bytes);
        let drawn =
            counter::ActiveModel { name: Set(JOURNAL.to_owned()), value: Set(i64::from_le_bytes(bytes)) };
        let kept = OnConflict::column(counter::Column::Name).do_nothing().to_owned();
        let tx = self.db.write().await?;
        counter::Entity::insert(drawn).on_conflict(kept).exec_without_returning(&tx).await?;
        let row = counter::Entity::find_by_id(JOURNAL).one(&tx).await?;
        tx.commit().await?;
        let row = row.ok_or(LedgerError::Impossible { table: "counters", column: "value" })?;
        Ok(format!("journal_{:016x}", row.value))
    }

    /// Keeps usage until it is counted; gives its number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_usage(&self, records: &[UsageRecord]) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let number = append(&tx, records).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Keeps sessions that began or ended until control has them; gives their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal_sessions(&self, sessions: &[SessionEvent]) -> Result<u64, LedgerError> {
        let tx = self.db.write().await?;
        let number = append_json(&tx, &Sessions { sessions }).await?;
        if !self.db.is_shared() {
            note_open(&tx, sessions).await?;
        }
        tx.commit().await?;
        Ok(number)
    }

    /// Keeps, for control, the end of the sessions that were open when this ledger's process last stopped; tells how many. To be asked
    /// once at each start, before a session is journalled. In a database that several processes share nobody knows whose sessions
    /// are over: there it does nothing.
    ///
    /// # Errors
    /// When the database fails; then nothing was kept, and it may be asked again.
    pub async fn end_sessions_left_open(&self, at: Timestamp) -> Result<usize, LedgerError> {
        if self.db.is_shared() {
            return Ok(0);
        }
        let impossible = |_| LedgerError::Impossible { table: "open_sessions", column: "began" };
        let tx = self.db.write().await?;
        let mut left = Vec::new();
        for row in open_session::Entity::find().order_by_asc(open_session::Column::Id).all(&tx).await? {
            let began: SessionEvent = serde_json::from_str(&row.began).map_err(impossible)?;
            left.push(SessionEvent { at, end: Some(SessionEnd::with_its_gateway()), ..began });
        }
        for some in left.chunks(SESSIONS_PER_BATCH_MAX) {
            append_json(&tx, &Sessions { sessions: some }).await?;
        }
        open_session::Entity::delete_many().exec(&tx).await?;
        tx.commit().await?;
        Ok(left.len())
    }

    /// The batches that wait to be counted, oldest first, that have larger numbers than this one; at most so many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn uncounted_usage(&self, after: u64, limit: u64) -> Result<Vec<UsageBatch>, LedgerError> {
        let impossible = |column| LedgerError::Impossible { table: "usage_batches", column };
        let rows = usage_batch::Entity::find()
            .filter(usage_batch::Column::Number.gt(i64::try_from(after).unwrap_or(i64::MAX)))
            .order_by_asc(usage_batch::Column::Number)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let batch = |row: usage_batch::Model| {
            let number = u64::try_from(row.number).map_err(|_| impossible("number"))?;
            if row.records.starts_with('{') {
                let told: Sessions<Vec<SessionEvent>> =
                    serde_json::from_str(&row.records).map_err(|_| impossible("records"))?;
                return Ok(UsageBatch { number, records: Vec::new(), sessions: told.sessions });
            }
            let records = serde_json::from_str(&row.records).map_err(|_| impossible("records"))?;
            Ok(UsageBatch { number, records, sessions: Vec::new() })
        };
        rows.into_iter().map(batch).collect()
    }

    /// Forgets the batches up to a number: they are counted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn usage_counted(&self, number: u64) -> Result<(), LedgerError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let tx = self.db.write().await?;
        usage_batch::Entity::delete_many().filter(usage_batch::Column::Number.lte(number)).exec(&tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Notes which sessions are open after these events.
async fn note_open(tx: &impl ConnectionTrait, sessions: &[SessionEvent]) -> Result<(), LedgerError> {
    let impossible = |_| LedgerError::Impossible { table: "open_sessions", column: "began" };
    let mut open: BTreeMap<SessionId, &SessionEvent> = BTreeMap::new();
    let mut over = Vec::new();
    for event in sessions {
        if event.end.is_none() {
            open.insert(event.session_id, event);
        } else if open.remove(&event.session_id).is_none() {
            over.push(event.session_id.to_string());
        }
    }
    for ids in over.chunks(ROWS_AT_ONCE_MAX) {
        open_session::Entity::delete_many()
            .filter(open_session::Column::Id.is_in(ids.iter().map(String::as_str)))
            .exec(tx)
            .await?;
    }
    let mut rows = Vec::new();
    for (id, event) in open {
        let began = serde_json::to_string(event).map_err(impossible)?;
        rows.push(open_session::ActiveModel { id: Set(id.to_string()), began: Set(began) });
    }
    for some in rows.chunks(ROWS_AT_ONCE_MAX) {
        open_session::Entity::insert_many(some.to_vec()).exec(tx).await?;
    }
    Ok(())
}

/// Adds a batch of usage; gives its number.
pub(crate) async fn append(tx: &impl ConnectionTrait, records: &[UsageRecord]) -> Result<u64, LedgerError> {
    append_json(tx, records).await
}

async fn append_json<T: Serialize + Sync + ?Sized>(
    tx: &impl ConnectionTrait,
    batch: &T,
) -> Result<u64, LedgerError> {
    let impossible = |column| LedgerError::Impossible { table: "usage_batches", column };
    let text = serde_json::to_string(batch).map_err(|_| impossible("records"))?;
    let last = counter::Entity::find_by_id(NUMBERS).one(tx).await?.map_or(0, |row| row.value);
    let number = last + 1;
    let count = counter::ActiveModel { name: Set(NUMBERS.to_owned()), value: Set(number) };
    let again = OnConflict::column(counter::Column::Name).update_column(counter::Column::Value).to_owned();
    counter::Entity::insert(count).on_conflict(again).exec(tx).await?;
    usage_batch::Entity::insert(usage_batch::ActiveModel { number: Set(number), records: Set(text) })
        .exec(tx)
        .await?;
    u64::try_from(number).map_err(|_| impossible("number"))
}
