//! The write transaction.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement,
};
use tokio::sync::OwnedMutexGuard;

use crate::SqlError;
use crate::writes::Writing;

/// How long a statement may take from here: a server that can't be reached any more, and says nothing, must not keep the
/// writer's turn for ever.
const STATEMENT_SECONDS_MAX: u64 = 120;

/// Every statement so far succeeded.
const CLEAN: u8 = 0;
/// A statement runs, or was abandoned while it ran.
const BUSY: u8 = 1;
/// A statement failed.
const FAILED: u8 = 2;

/// The turn of one writer. While it is held nobody else writes, so whoever must act on commits in their order
/// keeps the turn that [`WriteTx::commit`] gives back until it has acted.
#[derive(Debug)]
pub struct Turn {
    _guard: OwnedMutexGuard<()>,
}

impl Turn {
    pub(crate) const fn new(guard: OwnedMutexGuard<()>) -> Self {
        Self { _guard: guard }
    }
}

/// The one open write transaction. Dropped without [`WriteTx::commit`] it leaves no trace.
///
/// After a failed or abandoned statement everything else is refused, the commit included: PostgreSQL answers such a
/// commit with success and keeps nothing, SQLite keeps what came before. Neither must look like success.
#[derive(Debug)]
pub struct WriteTx {
    // Rolled back before the turn is given up, so it comes first.
    inner: DatabaseTransaction,
    turn: Turn,
    state: AtomicU8,
    writing: Writing,
}

impl WriteTx {
    pub(crate) const fn new(inner: DatabaseTransaction, turn: Turn, writing: Writing) -> Self {
        Self { inner, turn, state: AtomicU8::new(CLEAN), writing }
    }

    /// Keeps what was written. Returns the writer's turn, for those who must act before the next commit.
    ///
    /// # Errors
    /// When a statement failed before, or the commit itself fails.
    pub async fn commit(self) -> Result<Turn, SqlError> {
        if self.state.load(Ordering::Acquire) != CLEAN {
            within(self.inner.rollback()).await?;
            return Err(SqlError::Poisoned);
        }
        within(self.inner.commit()).await?;
        self.writing.committed();
        Ok(self.turn)
    }

    /// Forgets what was written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rollback(self) -> Result<(), SqlError> {
        Ok(within(self.inner.rollback()).await?)
    }

    /// The transaction without its guard, for those who end it when something fails.
    pub(crate) const fn whole(&mut self) -> &DatabaseTransaction {
        &self.inner
    }

    fn begin_statement(&self) -> Result<(), DbErr> {
        match self.state.compare_exchange(CLEAN, BUSY, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(_) => Err(DbErr::Custom(String::from(
                "a statement in this transaction failed or was abandoned before",
            ))),
        }
    }

    fn end_statement<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        let state = if result.is_ok() { CLEAN } else { FAILED };
        self.state.store(state, Ordering::Release);
        result
    }
}

async fn within<T>(statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let limit = Duration::from_secs(STATEMENT_SECONDS_MAX);
    let timed_out = |_| Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
    tokio::time::timeout(limit, statement).await.unwrap_or_else(timed_out)
}

#[async_trait]
impl ConnectionTrait for WriteTx {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.begin_statement()?;
        self.end_statement(within(self.inner.execute_raw(statement)).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.begin_statement()?;
        self.end_statement(within(self.inner.execute_unprepared(sql)).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.begin_statement()?;
        self.end_statement(within(self.inner.query_one_raw(statement)).await)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.begin_statement()?;
        self.end_statement(within(self.inner.query_all_raw(statement)).await)
    }
}
