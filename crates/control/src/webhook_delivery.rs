//! Sends what waits for webhooks. A message is put off before it is tried, so that a crash in between tries it again: a webhook may
//! get a message twice, and tells it by its id.
//!
//! Each try holds a place while it lasts. Workspaces and webhooks have a share of the places, and a place that comes free goes to a
//! workspace that holds none first: receivers that are slow, or never answer, hold up their own messages alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use domain::{MessageState, Rng, Timestamp, WebhookId, WorkspaceId};
use http::Request;
use storage::{DueMessage, NewMessage, PassedOver, StoreError, Tried};
use tokio::task::JoinSet;

use crate::control::Inner;
use crate::{webhook_events, webhook_sign};

/// How often is looked for messages whose time has come.
const LOOK_MILLIS: u64 = 1000;
/// Messages that are tried at once.
const TRIES_AT_ONCE_MAX: usize = 64;
/// Messages of one workspace that are tried at once.
const TRIES_OF_WORKSPACE_MAX: usize = 16;
/// Messages of one webhook that are tried at once.
const TRIES_OF_WEBHOOK_MAX: usize = 4;
/// For how long a message is put off while it is tried, in seconds: longer than a try takes.
const PUT_OFF_SECONDS: i64 = 60;
/// How long after each try that failed comes the next, in seconds; after the last there is none.
const DELAYS_SECONDS: [i64; 9] =
    [5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600];
/// How much sooner or later than that, in percent, so that webhooks that were away aren't called all at once.
const JITTER_PERCENT: i64 = 20;
/// How long messages are kept, in days.
const KEPT_DAYS: i64 = 30;
/// How often old messages are forgotten, in looks.
const FORGET_LOOKS: u64 = 3600;
/// The answer that says that nobody is there any more.
const GONE: u16 = 410;

/// Sends what waits, until control is gone.
pub(crate) async fn deliver(inner: Weak<Inner>) {
    let mut tries = Tries::default();
    let mut look = 0_u64;
    loop {
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.tell_of_expired_keys().await {
            complain(&error);
        }
        if let Err(error) = tries.fill(&inner).await {
            complain(&error);
        }
        if look.is_multiple_of(FORGET_LOOKS) {
            let before = inner.now().plus_seconds(-KEPT_DAYS * 24 * 3600);
            if let Err(error) = inner.store.forget_messages(before).await {
                complain(&error);
            }
        }
        look += 1;
        let wake = Arc::clone(&inner.wake_webhooks);
        drop(inner);
        tokio::select! {
            () = wake.notified() => {}
            () = tries.ended() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)) => {}
        }
    }
}

fn complain(error: &StoreError) {
    tracing::error!(error = error as &dyn std::error::Error, "webhooks wait for the store");
}

/// The tries that go on, each in a place, and who holds it.
#[derive(Default)]
struct Tries {
    tasks: JoinSet<Result<(), StoreError>>,
    holders: HashMap<tokio::task::Id, (WorkspaceId, WebhookId)>,
}

impl Tries {
    /// Gives the free places to what is due.
    async fn fill(&mut self, inner: &Arc<Inner>) -> Result<(), StoreError> {
        while self.tasks.len() < TRIES_AT_ONCE_MAX {
            let Some(due) = self.take(inner).await? else { return Ok(()) };
            let holder = (due.to.webhook.workspace_id, due.to.webhook.id);
            let inner = Arc::clone(inner);
            let task = self.tasks.spawn(async move {
                let tried = inner.try_once(&due).await;
                inner.store.note_try(due.message.id, &tried).await
            });
            self.holders.insert(task.id(), holder);
        }
        Ok(())
    }

    /// What is due, of a workspace that holds no place if there is such a message.
    async fn take(&self, inner: &Inner) -> Result<Option<DueMessage>, StoreError> {
        let now = inner.now();
        let again_at = now.plus_seconds(PUT_OFF_SECONDS);
        for of_workspace_max in [1, TRIES_OF_WORKSPACE_MAX] {
            let passed_over = self.passed_over(of_workspace_max);
            let due = inner.store.take_due_message(now, again_at, &passed_over).await?;
            if due.is_some() {
                return Ok(due);
            }
        }
        Ok(None)
    }

    /// Who holds as many places as it may, where a workspace may hold so many.
    fn passed_over(&self, of_workspace_max: usize) -> PassedOver {
        let workspaces = self.holders.values().map(|(workspace, _)| *workspace);
        let webhooks = self.holders.values().map(|(_, webhook)| *webhook);
        PassedOver {
            workspaces: so_often(workspaces, of_workspace_max),
            webhooks: so_often(webhooks, TRIES_OF_WEBHOOK_MAX),
        }
    }

    /// Waits until a place comes free; for ever while none is held.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, noted))) => {
                if let Err(error) = noted {
                    complain(&error);
                }
                id
            }
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a try panicked");
                error.id()
            }
        };
        self.holders.remove(&id);
    }
}

/// What occurs so often, or more.
fn so_often<T: Ord>(all: impl Iterator<Item = T>, times: usize) -> Vec<T> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts.into_iter().filter(|(_, count)| *count >= times).map(|(one, _)| one).collect()
}

impl Inner {
    /// Writes messages about the API keys that have expired since the last time.
    async fn tell_of_expired_keys(&self) -> Result<(), StoreError> {
        let now = self.now();
        if !self.store.has_newly_expired_keys(now).await? {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        for expired in change.take_expired_keys(now).await? {
            let message = webhook_events::of_expiry(&expired, now);
            change.enqueue_message(&message, || self.message_id(now)).await?;
        }
        // Nothing that anybody did: time went by.
        change.keep_quietly().await
    }

    /// A new id of a message.
    pub(crate) fn message_id(&self, now: Timestamp) -> domain::WebhookMessageId {
        domain::WebhookMessageId::generate(now, &*self.rng)
    }

    /// Writes what webhooks are told of a change, with it.
    pub(crate) async fn enqueue(
        &self,
        change: &mut storage::ChangeTx,
        message: &NewMessage,
    ) -> Result<(), StoreError> {
        if change.enqueue_message(message, || self.message_id(message.at)).await? > 0 {
            self.wake_webhooks.notify_one();
        }
        Ok(())
    }

    async fn try_once(&self, due: &DueMessage) -> Tried {
        let at = self.now();
        let (status, problem) = match self.call(due, at).await {
            Ok(status) if (200..300).contains(&status) => (Some(status), None),
            Ok(status) if (300..400).contains(&status) => {
                (Some(status), Some(format!("it answered {status}: redirects are not followed")))
            }
            Ok(status) => (Some(status), Some(format!("it answered {status}"))),
            Err(problem) => (None, Some(problem)),
        };
        let next = next_try(due.message.attempts, self.now(), &*self.rng);
        let (state, next_try_at) = match (&problem, status, next) {
            (None, _, _) => (MessageState::Delivered, None),
            (Some(_), Some(GONE), _) | (Some(_), _, None) => (MessageState::Failed, None),
            (Some(_), _, Some(next)) => (MessageState::Waiting, Some(next)),
        };
        Tried { at, state, next_try_at, status, problem }
    }

    async fn call(&self, due: &DueMessage, at: Timestamp) -> Result<u16, String> {
        let message = &due.message;
        let signature =
            webhook_sign::signature(&due.to, &self.signing.master_key(), message.id, at, &message.body)
                .ok_or("its secret can't be opened: rotate it")?;
        let request = Request::post(due.to.webhook.url.as_str())
            .header("content-type", "application/json")
            .header("user-agent", concat!("Voxgate/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", message.id.to_string())
            .header("webhook-timestamp", at.as_seconds())
            .header("webhook-signature", signature)
            .body(message.body.clone())
            .map_err(|_| "its address can't be called")?;
        self.webhooks.send(request).await.map_err(|error| error.to_string())
    }
}

/// When a message is tried again that was tried so often before this time.
fn next_try(attempts_before: u32, now: Timestamp, rng: &dyn Rng) -> Option<Timestamp> {
    let delay = DELAYS_SECONDS.get(usize::try_from(attempts_before).ok()?)?;
    let spread = u32::try_from(2 * JITTER_PERCENT + 1).unwrap_or(1);
    let percent = 100 - JITTER_PERCENT + i64::try_from(rng.next_u128() % u128::from(spread)).unwrap_or(0);
    // In milliseconds, so that short delays are spread too.
    Some(Timestamp::from_micros(now.as_micros() + delay * percent * 10_000))
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    /// Each try comes later than the one before, give or take a fifth, and at last there is none.
    #[test]
    fn tries_come_later_and_end() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (attempts, delay) in DELAYS_SECONDS.iter().enumerate() {
            for _ in 0..100 {
                let next = next_try(u32::try_from(attempts).unwrap(), now, &SystemRng).unwrap();
                let waited = next.micros_since(now) / 10_000;
                assert!((delay * 80..=delay * 120).contains(&waited), "{attempts}: {waited}");
            }
        }
        assert_eq!(next_try(u32::try_from(DELAYS_SECONDS.len()).unwrap(), now, &SystemRng), None);
    }
}
