//! How a change reaches everybody: commit, own tables, gateways, and only then the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::link::Revision;
use storage::{AuditEntry, ChangeTx, StoreError};
use tokio::task::JoinError;

use crate::control::Inner;
use crate::webhook_events;

impl Inner {
    /// Commits a change, applies it here, sends it to the gateways and waits until those of this process enforce it.
    pub(crate) async fn publish(
        self: &Arc<Self>,
        change: ChangeTx,
        audit: AuditEntry,
    ) -> Result<Revision, StoreError> {
        let inner = Arc::clone(self);
        // Otherwise a change could be left behind that is committed and enforced by nobody.
        let revision = to_its_end(async move { inner.commit(change, audit).await }).await?;
        self.gateways.wait_applied(revision).await;
        Ok(revision)
    }

    /// Commits a change, applies it here and sends it to the gateways, in a task that [`to_its_end`] began.
    pub(crate) async fn commit(
        &self,
        mut change: ChangeTx,
        audit: AuditEntry,
    ) -> Result<Revision, StoreError> {
        if let Some(message) = webhook_events::of_change(&audit, change.changes()) {
            self.enqueue(&mut change, &message).await?;
        }
        let committed = match change.publish(&audit).await {
            Ok(committed) => committed,
            Err(error) => {
                self.catch_up().await;
                return Err(error);
            }
        };
        self.audit_events.fetch_add(1, Ordering::Relaxed);
        self.apply_committed(&committed).await;
        // The writer's turn ends only here, so that what is sent is in the order of commits.
        drop(committed.turn);
        Ok(committed.revision)
    }

    /// After a failed commit nobody knows whether it happened. If it did, everybody learns it from a snapshot.
    pub(crate) async fn catch_up(&self) {
        self.ended.mark_behind();
        if let Err(error) = self.try_catch_up().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "the store can't be read after a failed commit; tables may be behind it");
        }
    }

    async fn try_catch_up(&self) -> Result<(), StoreError> {
        // Nobody else commits while this is open.
        let turn = self.store.change().await?;
        if self.store.revision().await? > self.tables.revision() {
            self.tables.load(&self.store.snapshot().await?);
            self.signing.mark_stale();
            self.gateways.send_snapshots();
            self.ended.bring_up(&self.store).await;
        }
        drop(turn);
        Ok(())
    }
}

/// Does work that must not be left half done, in a task of its own: its caller may go away, as when a client hangs up.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(output) => output,
        Err(error) => resume(error).await,
    }
}

/// Goes on with a panic of a task where it was waited for. A task that was cancelled was cancelled because the runtime
/// ends, and with it this.
pub(crate) async fn resume<T>(error: JoinError) -> T {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}
