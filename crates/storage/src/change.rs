//! The transaction that changes state.

use std::sync::Arc;

use domain::Timestamp;
use domain::link::{Change, Revision};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use sql::{Turn, WriteTx};

use crate::audit::{self, AuditEntry};
use crate::entities::{change, counter};
use crate::rows::{At, revision, revision_column};
use crate::{Store, StoreError};

/// The key of tables with one row.
pub(crate) const SINGLETON: i32 = 1;

/// How far numbers jump at a restore: further than anything counts between a backup and its restore, and small enough
/// for a million restores within the whole numbers of JSON.
const RESTORE_GAP: i64 = 1 << 32;
/// The same for the numbers of projects, which people read.
const PROJECTS_GAP: i64 = 100_000;

/// State being changed. Its verbs note by themselves what the feed must say, so that state and feed can't differ;
/// [`ChangeTx::publish`] writes both, and the audit event, or nothing. Dropped, it leaves no trace.
#[derive(Debug)]
pub struct ChangeTx {
    pub(crate) tx: WriteTx,
    counters: counter::Model,
    changes: Vec<Change>,
}

/// A change of state that was committed.
#[derive(Debug)]
pub struct Committed {
    /// The newest revision: this change's, or the one before if it had nothing to tell gateways.
    pub revision: Revision,
    /// What gateways must be told; may be empty.
    pub changes: Arc<[Change]>,
    /// While this is held, nothing else is committed: whoever must act on changes in their order drops it last.
    pub turn: Turn,
}

impl ChangeTx {
    pub(crate) async fn begin(tx: WriteTx) -> Result<Self, StoreError> {
        lock_counters(&tx).await?;
        let counters = counter::Entity::find_by_id(SINGLETON).one(&tx).await?;
        let row = At { table: "counters", row: &SINGLETON };
        Ok(Self { counters: row.need("singleton", counters)?, tx, changes: Vec::new() })
    }

    /// Begins the change that ends a restore. What was given out after the backup was made is unknown, so numbers go on far
    /// beyond what the backup knew: none is ever given twice.
    pub(crate) async fn begin_restored(tx: WriteTx, newest: Revision) -> Result<Self, StoreError> {
        let mut change = Self::begin(tx).await?;
        let counters = &mut change.counters;
        counters.revision = counters.revision.max(revision_column(newest)) + RESTORE_GAP;
        counters.audit_sequence += RESTORE_GAP;
        counters.next_project_id += PROJECTS_GAP;
        Ok(change)
    }

    /// What gateways will be told of this change, as far as it goes now.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The revision that this change will have.
    pub fn revision(&self) -> Revision {
        Revision(revision(self.counters.revision).0 + 1)
    }

    /// The revision of this change, for a column.
    pub(crate) fn revision_column(&self) -> i64 {
        revision_column(self.revision())
    }

    pub(crate) fn note(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(crate) const fn next_project_id(&mut self) -> i64 {
        let id = self.counters.next_project_id;
        self.counters.next_project_id += 1;
        id
    }

    /// Keeps the change: state, feed entry and audit event together.
    ///
    /// # Errors
    /// When something in it failed before, or the database fails; then nothing is kept.
    pub async fn publish(mut self, audit: &AuditEntry) -> Result<Committed, StoreError> {
        let newest = if self.changes.is_empty() { revision(self.counters.revision) } else { self.revision() };
        if !self.changes.is_empty() {
            self.append_to_feed(newest, audit.at).await?;
        }
        self.counters.audit_sequence += 1;
        audit::append(&self.tx, self.counters.audit_sequence, audit).await?;
        self.counters.revision = revision_column(newest);
        store_counters(&self.tx, &self.counters).await?;
        let turn = self.tx.commit().await?;
        Ok(Committed { revision: newest, changes: self.changes.into(), turn })
    }

    /// Keeps a change that nobody made and that gateways need not know: messages about time that went by.
    ///
    /// # Errors
    /// When the database fails, or there is something to tell gateways after all; then nothing is kept.
    pub async fn keep_quietly(self) -> Result<(), StoreError> {
        if !self.changes.is_empty() {
            return Err(StoreError::Inconsistent {
                table: "changes",
                column: "changes",
                row: String::from("a quiet change"),
            });
        }
        drop(self.tx.commit().await?);
        Ok(())
    }

    async fn append_to_feed(&self, newest: Revision, at: Timestamp) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.changes).map_err(|_| StoreError::Inconsistent {
            table: "changes",
            column: "changes",
            row: newest.to_string(),
        })?;
        let row = change::Model { revision: revision_column(newest), at: at.as_micros(), changes: text };
        change::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        Ok(())
    }
}

/// Locks the row of counters, so that revisions are given in the order of commits wherever writers run side by side;
/// makes the row at first start.
async fn lock_counters(tx: &WriteTx) -> Result<(), StoreError> {
    let locked = counter::Entity::update_many()
        .col_expr(counter::Column::Revision, Expr::col(counter::Column::Revision))
        .filter(counter::Column::Singleton.eq(SINGLETON))
        .exec(tx)
        .await?;
    if locked.rows_affected == 0 {
        let first =
            counter::Model { singleton: SINGLETON, revision: 0, audit_sequence: 0, next_project_id: 1 };
        counter::Entity::insert(first.into_active_model()).exec_without_returning(tx).await?;
    }
    Ok(())
}

async fn store_counters(tx: &WriteTx, counters: &counter::Model) -> Result<(), StoreError> {
    counter::Entity::update_many()
        .col_expr(counter::Column::Revision, Expr::value(counters.revision))
        .col_expr(counter::Column::AuditSequence, Expr::value(counters.audit_sequence))
        .col_expr(counter::Column::NextProjectId, Expr::value(counters.next_project_id))
        .filter(counter::Column::Singleton.eq(SINGLETON))
        .exec(tx)
        .await?;
    Ok(())
}

impl Store {
    /// The newest revision that was committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self) -> Result<Revision, StoreError> {
        let counters = counter::Entity::find_by_id(SINGLETON).one(self.db.read()).await?;
        Ok(counters.map_or(Revision(0), |counters| revision(counters.revision)))
    }
}
