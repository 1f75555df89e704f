//! Other nodes write to a shared database too: what they change is taken from the feed, so that it is enforced here within a
//! second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::link::Revision;
use storage::{Committed, StoreError};
use tokio::time::MissedTickBehavior;

use crate::control::Inner;

/// How often it is asked whether others have changed something.
const ASK_MILLIS: u64 = 400;
/// Feed entries read at a time.
const FEED_PAGE_MAX: u64 = 1_000;

/// Follows what other nodes change, until control is gone. Where nobody else can, there is nothing to do.
pub(crate) async fn follow_others(inner: Weak<Inner>) {
    if inner.upgrade().is_none_or(|inner| !inner.store.is_shared()) {
        return;
    }
    let mut rounds = tokio::time::interval(Duration::from_millis(ASK_MILLIS));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut fails, mut keys_fail) = (false, false);
    loop {
        rounds.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        let outcome = inner.follow().await;
        if outcome.is_ok() {
            inner.gateways.note_followed();
        }
        let taken = inner.take_over_signing_keys().await;
        if let (Err(error), false) = (&taken, keys_fail) {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the signing keys of another node can't be taken over; it is tried again");
        }
        keys_fail = taken.is_err();
        // Told when it begins and when it ends, not each time.
        match (&outcome, fails) {
            (Err(error), false) => {
                let error: &dyn std::error::Error = error;
                tracing::error!(error, "what other nodes change can't be read; what is known goes on");
            }
            (Ok(()), true) => tracing::info!("what other nodes change can be read again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        fails = outcome.is_err();
    }
}

impl Inner {
    pub(crate) async fn follow(&self) -> Result<(), StoreError> {
        if self.store.revision().await? <= self.tables.revision() {
            return Ok(());
        }
        // Nobody commits while this is open, so that what is sent is in the order of commits.
        let turn = self.store.change().await?;
        self.apply_missing().await?;
        drop(turn);
        Ok(())
    }

    /// Applies what was committed just now, after what others committed before it. The caller holds the turn.
    pub(crate) async fn apply_committed(&self, committed: &Committed) {
        let Committed { revision, changes, .. } = committed;
        if changes.is_empty() {
            return;
        }
        if *revision > next(self.tables.revision()) && self.store.is_shared() {
            // This change comes with those before it or later: applied alone, it would hide that they are missing.
            if let Err(error) = self.apply_missing().await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "what other nodes changed can't be read; it is tried again");
            }
            return;
        }
        self.tables.apply(*revision, changes);
        self.gateways.send_change(*revision, changes);
        self.ended.note(*revision, changes, &self.store).await;
    }

    /// Applies everything in the feed that the tables don't have. The caller sees to it that nobody commits meanwhile.
    async fn apply_missing(&self) -> Result<(), StoreError> {
        loop {
            let known = self.tables.revision();
            let feed = self.store.feed_after(known, FEED_PAGE_MAX).await?;
            let Some((first, _)) = feed.first() else { return Ok(()) };
            if *first > next(known) {
                // The feed doesn't reach back that far.
                self.tables.load(&self.store.snapshot().await?);
                self.signing.mark_stale();
                self.gateways.send_snapshots();
                self.ended.mark_behind();
                self.ended.bring_up(&self.store).await;
                return Ok(());
            }
            for (revision, changes) in feed {
                let changes: Arc<[_]> = changes.into();
                self.signing.note_changes(&changes);
                self.tables.apply(revision, &changes);
                self.gateways.send_change(revision, &changes);
                self.ended.note(revision, &changes, &self.store).await;
            }
        }
    }
}

const fn next(revision: Revision) -> Revision {
    Revision(revision.0 + 1)
}
