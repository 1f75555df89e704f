//! The clocks of one session: how long it may last, and how long without audio or without any sign of life. Plain data that is told
//! the time.

use std::time::Duration;

use tokio::time::Instant;

use super::SessionTimes;

/// A session's `Warning` comes when this part of its time is over, in percent.
const WARNING_PERCENT: u32 = 90;

/// What has happened when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    opened: Instant,
    last_audio: Instant,
    /// Audio, ping or pong.
    last_sign: Instant,
    client_closed: Option<Instant>,
    warned: bool,
}

/// How long things may take in one session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    times: SessionTimes,
    /// The leash's own bound, if it has one.
    leash: Option<Duration>,
}

/// A clock that has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The client has closed, and the engine goes without an answer.
    Unanswered,
    /// The session has lasted as long as it may.
    Over(Duration),
    /// No audio for so long.
    NoAudio(Duration),
    /// Neither audio nor ping nor pong for so long.
    Silent(Duration),
    /// So much of the time that the leash allows is left; told once.
    Nearly(Duration),
}

impl Bounds {
    pub(super) fn new(times: SessionTimes, max_session_seconds: Option<u32>) -> Self {
        Self { times, leash: max_session_seconds.map(|seconds| Duration::from_secs(seconds.into())) }
    }

    /// How long the session may last, by the instance and by its leash.
    pub(super) fn length_max(&self) -> Duration {
        self.leash.map_or(self.times.session_max, |leash| leash.min(self.times.session_max))
    }
}

impl Clocks {
    pub(super) const fn start(now: Instant) -> Self {
        Self { opened: now, last_audio: now, last_sign: now, client_closed: None, warned: false }
    }

    /// When the session was opened.
    pub(super) const fn opened(&self) -> Instant {
        self.opened
    }

    /// The client has sent something.
    pub(super) const fn heard(&mut self, now: Instant, audio: bool, sign: bool) {
        if audio {
            self.last_audio = now;
        }
        if audio || sign {
            self.last_sign = now;
        }
    }

    /// The client has closed.
    pub(super) const fn close(&mut self, now: Instant) {
        self.client_closed = Some(now);
    }

    /// Whether the client has closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.client_closed.is_some()
    }

    /// When the next clock runs out.
    pub(super) fn next(&self, bounds: &Bounds) -> Instant {
        let over = self.opened + bounds.length_max();
        let audio = self.last_audio + bounds.times.idle_audio_max;
        let sign = self.last_sign + bounds.times.idle_silent_max;
        let answer = self.client_closed.map(|at| at + bounds.times.close_max);
        let others = [answer, self.warning_at(bounds)].into_iter().flatten();
        others.fold(over.min(audio).min(sign), Instant::min)
    }

    /// A clock that has run out, if any has.
    pub(super) fn due(&mut self, bounds: &Bounds, now: Instant) -> Option<Due> {
        let Bounds { times, .. } = bounds;
        if self.client_closed.is_some_and(|at| now >= at + times.close_max) {
            return Some(Due::Unanswered);
        }
        let over = self.opened + bounds.length_max();
        if now >= over {
            return Some(Due::Over(bounds.length_max()));
        }
        if now >= self.last_audio + times.idle_audio_max {
            return Some(Due::NoAudio(times.idle_audio_max));
        }
        if now >= self.last_sign + times.idle_silent_max {
            return Some(Due::Silent(times.idle_silent_max));
        }
        if self.warning_at(bounds).is_some_and(|at| now >= at) {
            self.warned = true;
            return Some(Due::Nearly(over.saturating_duration_since(now)));
        }
        None
    }

    fn warning_at(&self, bounds: &Bounds) -> Option<Instant> {
        let is_due = bounds.leash.is_some() && !self.warned;
        is_due.then(|| self.opened + bounds.length_max() * WARNING_PERCENT / 100)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Audio,
        Sign,
        Text,
        Close,
    }

    fn event() -> impl Strategy<Value = (u64, Event)> {
        let event = prop_oneof![
            10 => Just(Event::Audio), 4 => Just(Event::Sign), 2 => Just(Event::Text), 1 => Just(Event::Close),
        ];
        (0u64..40_000, event)
    }

    #[expect(clippy::disallowed_methods, reason = "a long run is asked for by hand")]
    fn cases() -> ProptestConfig {
        let wanted = std::env::var("VOXGATE_LEASH_CASES").ok().and_then(|cases| cases.parse().ok());
        ProptestConfig::with_cases(wanted.unwrap_or(2000))
    }

    proptest! {
        #![proptest_config(cases())]

        /// Whatever a client does and when: its session ends at the very moment when the first of its limits is reached, not
        /// before and not after, for that reason; and a leash warns once, at nine tenths, unless the session ends before.
        #[test]
        fn sessions_end_on_time(
            session_seconds in 1u64..400, leash in prop::option::of(1u32..400), idle_audio in 1u64..100,
            idle_silent in 1u64..60, events in prop::collection::vec(event(), 0..60),
        ) {
            let times = SessionTimes {
                session_max: Duration::from_secs(session_seconds),
                idle_audio_max: Duration::from_secs(idle_audio),
                idle_silent_max: Duration::from_secs(idle_silent),
                ..SessionTimes::default()
            };
            let bounds = Bounds::new(times, leash);
            let opened = Instant::now();
            let mut clocks = Clocks::start(opened);
            let (mut audio, mut sign, mut closed, mut warned) = (opened, opened, None, None);
            let mut events = events.into_iter().scan(opened, |at, (millis, event)| {
                *at += Duration::from_millis(millis);
                Some((*at, event))
            }).peekable();
            let (ended, due) = loop {
                let deadline = clocks.next(&bounds);
                if let Some((now, event)) = events.next_if(|(at, _)| *at < deadline && closed.is_none()) {
                    prop_assert_eq!(clocks.due(&bounds, now), None, "not before its time");
                    match event {
                        Event::Audio => (audio, sign) = (now, now),
                        Event::Sign => sign = now,
                        Event::Text => {}
                        Event::Close => {
                            closed = Some(now);
                            clocks.close(now);
                        }
                    }
                    clocks.heard(now, matches!(event, Event::Audio), matches!(event, Event::Sign));
                    continue;
                }
                match clocks.due(&bounds, deadline) {
                    Some(Due::Nearly(_)) => prop_assert!(warned.replace(deadline).is_none(), "once"),
                    Some(due) => break (deadline, due),
                    None => prop_assert!(false, "a deadline at which nothing is due"),
                }
            };
            let length = Duration::from_secs(leash.map_or(session_seconds, |leash| session_seconds.min(leash.into())));
            let limits = [
                Some((opened + length, Due::Over(length))),
                Some((audio + times.idle_audio_max, Due::NoAudio(times.idle_audio_max))),
                Some((sign + times.idle_silent_max, Due::Silent(times.idle_silent_max))),
                closed.map(|at: Instant| (at + times.close_max, Due::Unanswered)),
            ];
            let first = limits.iter().flatten().map(|(at, _)| *at).min();
            prop_assert_eq!(Some(ended), first);
            prop_assert!(limits.iter().flatten().any(|limit| *limit == (ended, due)));
            let warning = opened + length * 9 / 10;
            let is_warned = leash.is_some() && warning < ended;
            prop_assert_eq!(warned, is_warned.then_some(warning));
        }
    }
}
