//! What the service manager is told (`sd_notify(3)`). Without one, nothing is told to nobody.

use std::sync::Arc;
use std::time::Duration;

use gateway::Gateway;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// The server is ready: its listeners accept.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The server ends: what is under way is finished.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The server reads its files again; [`ready`] says when it has.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager can't be told of a reload"),
    }
}

/// Tells the service manager that the server is alive, twice as often as it wants to hear it, and only while every thread that
/// serves connections answers.
pub async fn watchdog(gateway: Arc<Gateway>, shutdown: CancellationToken) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let interval = patience / 2;
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match tokio::time::timeout(interval, gateway.respond()).await {
            Ok(()) => tell(&[NotifyState::Watchdog]),
            Err(_) => tracing::error!(
                "a thread that serves connections hangs: the service manager isn't told that all is well"
            ),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}
