//! Waiting for what must happen, never for a fixed time.

use std::future::Future;
use std::time::Duration;

/// How long anything may take before a test gives up: far beyond what a loaded machine needs.
const GIVE_UP_SECONDS: u64 = 60;
/// How often a condition is looked at.
const LOOK_MILLIS: u64 = 20;

/// Waits for something that must happen.
///
/// # Panics
/// When it doesn't; `what` says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(GIVE_UP_SECONDS), future).await {
        Ok(value) => value,
        Err(_) => panic!("gave up after {GIVE_UP_SECONDS} s: {what}"),
    }
}

/// Looks again and again until something is there.
///
/// # Panics
/// When it never is; `what` says what was waited for.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    within(what, async {
        loop {
            if let Some(value) = look().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
    })
    .await
}
