//! Timers for waits that seldom run out: one is armed once and looked at again, instead of being made anew for every wait.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::Timestamp;
use tokio::time::{Instant, Sleep};

/// Waits for a deadline that may move between calls; a timer is only touched when it must be.
pub(crate) fn poll_timer(
    timer: &mut Option<Pin<Box<Sleep>>>,
    deadline: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
    if timer.deadline() > deadline {
        timer.as_mut().reset(deadline);
    }
    loop {
        ready!(timer.as_mut().poll(cx));
        if Instant::now() >= deadline {
            return Poll::Ready(());
        }
        timer.as_mut().reset(deadline);
    }
}

/// When a timer for a moment of the clock must run out: at once, if that is past.
pub(crate) fn instant_of(at: Timestamp, now: Timestamp) -> Instant {
    Instant::now() + Duration::from_micros(at.micros_since(now).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// One timer serves one wait after the other, and ends none of them before its time.
    #[tokio::test]
    async fn one_timer_serves_many_waits() {
        let mut timer = None;
        for millis in [20, 60, 10] {
            let deadline = Instant::now() + Duration::from_millis(millis);
            poll_fn(|cx| poll_timer(&mut timer, deadline, cx)).await;
            assert!(Instant::now() >= deadline);
        }
    }
}
