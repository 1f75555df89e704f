//! A session's own task: two pumps, the clocks that end a session, and its end.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::reason::RealtimeError;
use domain::{Reason, Refusal, RequestId, Timestamp};
use tokio::time::{Instant, Sleep};

use super::audio::AudioMeter;
use super::clocks::{Bounds, Clocks, Due};
use super::engine::EngineSocket;
use super::frame::{self, Header, Opcode, Violation};
use super::guard::{Guard, Stop};
use super::leash::Leashed;
use super::pump::{Place, Progress, Pump, Watch};
use super::registry::OpenSession;
use super::session::{Ending, Gate};
use super::{farewell, message};
use crate::Gateway;
use crate::meter::Count;
use crate::stream::Stream;
use crate::timer::instant_of;

/// What an engine is told when its client is gone, or its session was ended here.
const GOING_AWAY: u16 = 1001;

/// Why the pumps stopped.
#[derive(Debug)]
enum Finish {
    /// Ended here.
    Ended(Ending),
    /// The client's connection broke off.
    ClientGone,
    /// The engine has closed, and the client was told.
    EngineClosed,
    /// The client has closed, and the engine goes without an answer.
    Unanswered,
}

/// Two ends and what is between them.
#[derive(Debug)]
pub(crate) struct Relay {
    gateway: Arc<Gateway>,
    session: OpenSession,
    client: Stream,
    engine: Stream,
    up: Pump,
    down: Pump,
    /// What the client is read through, where its key locks something.
    guard: Option<Box<Guard>>,
    audio: AudioMeter,
    clocks: Clocks,
    engine_broken: bool,
    /// The code of the engine's close frame.
    engine_close_code: [u8; 2],
    /// What the engine sent for the client.
    sent_bytes: u64,
    /// The request that opened it.
    request_id: RequestId,
}

impl Finish {
    /// What the log says of it: a word, and the code of the close frame that the client got, if any.
    fn told(&self, engine_close_code: [u8; 2]) -> (&'static str, Option<u16>) {
        match self {
            Self::Ended(ending) => (ending.kind.as_str(), Some(ending.code)),
            Self::ClientGone => ("client_gone", None),
            Self::EngineClosed => ("closed", Some(echo(engine_close_code))),
            Self::Unanswered => ("closed", None),
        }
    }
}

impl Relay {
    /// A session between these ends; `first` goes to the client before anything of the engine.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        session: OpenSession,
        (client, client_early): (Stream, Bytes),
        engine: EngineSocket,
        leashed: Option<Box<Leashed>>,
        first: Vec<u8>,
        request_id: RequestId,
    ) -> Box<Self> {
        let product = session.facts.product;
        let guard = leashed.map(|leashed| Box::new(Guard::new(product, *leashed, &client_early)));
        let client_early = if guard.is_some() { Bytes::new() } else { client_early };
        let mut down = Pump::from_engine(engine.early);
        down.insert(&first);
        Box::new(Self {
            gateway,
            session,
            client,
            engine: engine.stream,
            up: Pump::from_client(client_early),
            down,
            guard,
            audio: AudioMeter::default(),
            clocks: Clocks::start(Instant::now()),
            engine_broken: false,
            engine_close_code: [0; 2],
            sent_bytes: 0,
            request_id,
        })
    }

    /// Moves bytes until the session is over, then says why on both sides.
    pub(crate) async fn run(mut self: Box<Self>) {
        let finish = {
            let mut timer = pin!(tokio::time::sleep_until(self.next_deadline()));
            std::future::poll_fn(|cx| self.poll(cx, timer.as_mut())).await
        };
        Box::pin(self.finish(finish)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<Finish> {
        match self.advance(cx, timer) {
            Ok(()) => Poll::Pending,
            Err(finish) => Poll::Ready(finish),
        }
    }

    /// Does all that can be done without waiting.
    fn advance(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Result<(), Finish> {
        self.session.register(cx);
        loop {
            while self.poll_client_to_engine(cx)? | self.poll_engine_to_client(cx)? {}
            if self.session.gate().take_rearm() {
                timer.as_mut().reset(self.next_deadline());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            self.check_clocks()?;
            timer.as_mut().reset(self.next_deadline());
        }
    }

    /// Returns whether bytes moved.
    fn poll_client_to_engine(&mut self, cx: &mut Context<'_>) -> Result<bool, Finish> {
        let gate = self.session.gate();
        ended(&gate)?;
        if self.clocks.is_closed() || self.engine_broken {
            return Ok(false);
        }
        let mut watch =
            ClientWatch { audio: &mut self.audio, received: 0, heard_audio: false, heard_sign: false };
        let progress = match &mut self.guard {
            None => self.up.poll(cx, &mut self.client, &mut self.engine, &mut watch),
            Some(guard) => self.up.poll(cx, &mut guard.over(&mut self.client), &mut self.engine, &mut watch),
        };
        let (received, heard_audio, heard_sign) = (watch.received, watch.heard_audio, watch.heard_sign);
        drop(gate);
        if received > 0 {
            self.account(received, heard_audio, heard_sign);
            self.warn_of_audio();
        }
        match progress {
            Poll::Pending => return Ok(false),
            Poll::Ready(Progress::Moved) => {}
            Poll::Ready(Progress::Closed) => self.clocks.close(Instant::now()),
            Poll::Ready(Progress::Ended) => return Err(self.client_ended()),
            Poll::Ready(Progress::Violated(violation)) => {
                return Err(Finish::Ended(client_violated(violation)));
            }
            // What the engine has still said is read to its end, which tells more than this.
            Poll::Ready(Progress::SinkBroken) => self.engine_broken = true,
        }
        Ok(true)
    }

    /// Returns whether bytes moved.
    fn poll_engine_to_client(&mut self, cx: &mut Context<'_>) -> Result<bool, Finish> {
        let mut gate = self.session.gate();
        ended(&gate)?;
        let mut watch = EngineWatch {
            gate: &mut gate,
            audio: &mut self.audio,
            close_code: &mut self.engine_close_code,
            received: 0,
        };
        let progress = self.down.poll(cx, &mut self.engine, &mut self.client, &mut watch);
        let received = watch.received;
        drop(gate);
        if received > 0 {
            self.sent_bytes += received as u64;
            self.gateway.metrics.sent(received as u64);
            self.account_heard()?;
        }
        match progress {
            Poll::Pending => Ok(false),
            Poll::Ready(Progress::Moved) => Ok(true),
            Poll::Ready(Progress::Closed) => Err(Finish::EngineClosed),
            Poll::Ready(Progress::SinkBroken) => Err(Finish::ClientGone),
            Poll::Ready(Progress::Ended) if self.clocks.is_closed() => Err(Finish::Unanswered),
            Poll::Ready(Progress::Ended) => Err(Finish::Ended(Ending::engine_failed(
                "The engine broke off the session. Try again soon.".to_owned(),
            ))),
            Poll::Ready(Progress::Violated(violation)) => {
                let reason = format!("The engine sent something invalid: {violation}.");
                Err(Finish::Ended(Ending::engine_failed(reason)))
            }
        }
    }

    /// Nothing comes from the client any more: it is gone, or the guard lets nothing more pass.
    fn client_ended(&self) -> Finish {
        match self.guard.as_ref().and_then(|guard| guard.stop()) {
            None => Finish::ClientGone,
            Some(Stop::Violated(violation)) => Finish::Ended(client_violated(*violation)),
            Some(Stop::Refused(refusal)) => {
                // Refused from its beginning; other reasons end what was allowed for a while.
                if refusal.reason == Reason::LockBroken {
                    let count = Count { refused: Some(refusal.reason), ..Count::default() };
                    self.gateway.meter.count(&self.session.facts.tally, count, self.gateway.now());
                }
                Finish::Ended(Ending::refused(refusal))
            }
        }
    }

    fn account(&mut self, received: usize, heard_audio: bool, heard_sign: bool) {
        self.clocks.heard(Instant::now(), heard_audio, heard_sign);
        self.count(received as u64);
    }

    fn count(&mut self, received_bytes: u64) {
        let audio_millis = self.audio.new_millis();
        self.session.received_bytes.fetch_add(received_bytes, Ordering::Relaxed);
        self.session.audio_millis.fetch_add(audio_millis, Ordering::Relaxed);
        self.gateway.metrics.received(received_bytes);
        let count = Count { audio_millis, received_bytes, ..Count::default() };
        self.gateway.meter.count(&self.session.facts.tally, count, self.gateway.now());
    }

    /// Counts what the engine says that it has heard, where that is how audio is measured.
    fn account_heard(&mut self) -> Result<(), Finish> {
        if !self.audio.is_timed() {
            return Ok(());
        }
        self.count(0);
        if let Some(guard) = &mut self.guard {
            let heard = guard.heard(self.audio.heard_micros());
            heard.map_err(|refusal| Finish::Ended(Ending::refused(&refusal)))?;
        }
        self.warn_of_audio();
        Ok(())
    }

    fn warn_of_audio(&mut self) {
        if let Some(warning) = self.guard.as_mut().and_then(|guard| guard.warning()) {
            self.down.insert(&message::session_timeout_warning(&warning));
        }
    }

    fn bounds(&self) -> Bounds {
        let max_session_seconds = self.session.facts.principal.leash().max_session_seconds;
        Bounds::new(*self.gateway.sessions.times(), max_session_seconds)
    }

    /// When the API key expires, or the temporary key if its sessions end with it.
    fn expires_at(&self) -> Option<Timestamp> {
        let principal = &self.session.facts.principal;
        let with_key = principal.expires_at().filter(|_| principal.leash().end_at_expiry);
        let key = self.gateway.tables.api_key_expires_at(principal);
        with_key.into_iter().chain(key).min()
    }

    fn next_deadline(&self) -> Instant {
        let expiry = self.expires_at().map(|at| instant_of(at, self.gateway.now()));
        let next = self.clocks.next(&self.bounds());
        expiry.map_or(next, |expiry| expiry.min(next))
    }

    /// Finds out which clock has run out, if any.
    fn check_clocks(&mut self) -> Result<(), Finish> {
        self.check_expiry().map_err(Finish::Ended)?;
        let bounds = self.bounds();
        match self.clocks.due(&bounds, Instant::now()) {
            None => Ok(()),
            Some(Due::Unanswered) => Err(Finish::Unanswered),
            Some(Due::Over(after)) => {
                let reason = format!("The session has lasted {}s, as long as it may.", after.as_secs_f64());
                Err(Finish::Ended(Ending::refused(&Refusal::new(Reason::SessionOver, reason))))
            }
            Some(Due::NoAudio(after)) => Err(Finish::Ended(idle("no audio was sent for", after))),
            Some(Due::Silent(after)) => {
                Err(Finish::Ended(idle("neither audio nor a ping or pong was sent for", after)))
            }
            Some(Due::Nearly(left)) => {
                self.down.insert(&message::session_timeout_warning(&format!(
                    "Session will timeout in {}s: this temporary key's sessions last {}s at most.",
                    left.as_millis().div_ceil(1000),
                    bounds.length_max().as_secs()
                )));
                Ok(())
            }
        }
    }

    fn check_expiry(&self) -> Result<(), Ending> {
        let now = self.gateway.now();
        let principal = &self.session.facts.principal;
        self.gateway.tables.still_good(principal, now).map_err(|refusal| Ending::lost(&refusal))?;
        let ends = principal.expires_at().filter(|_| principal.leash().end_at_expiry);
        if ends.is_some_and(|at| now >= at) {
            let detail =
                "The temporary key that opened this session has expired, and its sessions end with it.";
            return Err(Ending::refused(&Refusal::new(Reason::CredentialExpired, detail)));
        }
        Ok(())
    }

    /// Tells both ends, each as far as its frames allow.
    async fn finish(mut self, finish: Finish) {
        // Before anyone is told: who hears that the session is over may open the next at once.
        self.session.gate().release();
        self.guard = None;
        self.gateway.metrics.session_over(self.clocks.opened().elapsed());
        self.log(&finish);
        self.tell(&finish);
        let linger_max = self.gateway.sessions.times().linger_max;
        let mask = self.mask();
        let engine_is_open = matches!(self.up.place(), Place::BetweenMessages | Place::BetweenFrames);
        let engine_last = |code| if engine_is_open { frame::close(code, "", Some(mask)) } else { Vec::new() };
        let (client_last, engine_last) = match finish {
            Finish::ClientGone => {
                drop(self.client);
                farewell::say(self.engine, engine_last(GOING_AWAY), linger_max).await;
                return;
            }
            Finish::EngineClosed => (Vec::new(), engine_last(echo(self.engine_close_code))),
            Finish::Unanswered => (last_words(self.down, None), engine_last(GOING_AWAY)),
            Finish::Ended(ending) => (last_words(self.down, Some(&ending)), engine_last(GOING_AWAY)),
        };
        drop(self.session);
        tokio::join!(
            farewell::say(self.client, client_last, linger_max),
            farewell::say(self.engine, engine_last, linger_max)
        );
    }

    /// Tells control of the session's end.
    fn tell(&self, finish: &Finish) {
        let (kind, close_code) = finish.told(self.engine_close_code);
        let reason = match finish {
            Finish::Ended(ending) => Some(ending.reason.clone()),
            Finish::ClientGone | Finish::EngineClosed | Finish::Unanswered => None,
        };
        let ended = self.session.ended(self.gateway.now(), kind, close_code, reason);
        self.gateway.meter.note_session(ended);
    }

    /// The session's line in the access log.
    fn log(&self, finish: &Finish) {
        let facts = &self.session.facts;
        let (ended, close_code) = finish.told(self.engine_close_code);
        tracing::info!(
            target: "access",
            ended,
            close_code,
            region = facts.region.as_str(),
            product = facts.product.as_str(),
            project_id = facts.principal.project_id().get(),
            api_key_id = %facts.principal.api_key_id(),
            received_bytes = self.session.received_bytes.load(Ordering::Relaxed),
            sent_bytes = self.sent_bytes,
            audio_millis = self.session.audio_millis.load(Ordering::Relaxed),
            seconds = self.clocks.opened().elapsed().as_secs(),
            peer = %facts.peer,
            session_id = %facts.id,
            request_id = %self.request_id,
            "session"
        );
    }

    fn mask(&self) -> [u8; 4] {
        let mut mask = [0; 4];
        self.gateway.rng.fill(&mut mask);
        mask
    }
}

/// Stops where the gate was closed.
fn ended(gate: &Gate) -> Result<(), Finish> {
    gate.ending().map_or(Ok(()), |ending| Err(Finish::Ended(ending.clone())))
}

/// What a client is sent last: the rest of a frame that it has a part of, then the `Error` if a message may follow,
/// then the close frame if any frame may.
fn last_words(down: Pump, ending: Option<&Ending>) -> Vec<u8> {
    let (mut last, place) = down.cut();
    if let (Some(ending), Place::BetweenMessages) = (ending, place) {
        last.extend(message::error(ending.kind, &ending.reason));
    }
    if matches!(place, Place::BetweenMessages | Place::BetweenFrames) {
        let close = match ending {
            Some(ending) => frame::close(ending.code, ending.kind.as_str(), None),
            None => frame::close(1000, "", None),
        };
        last.extend(close);
    }
    last
}

/// The code to answer a close frame with: its own, or none given is a normal closure.
fn echo(code: [u8; 2]) -> u16 {
    match u16::from_be_bytes(code) {
        0 => 1000,
        code => code,
    }
}

fn client_violated(violation: Violation) -> Ending {
    let reason = format!("The client sent something invalid: {violation}.");
    Ending { kind: RealtimeError::ProtocolError, reason, code: violation.close_code() }
}

fn idle(why: &str, after: Duration) -> Ending {
    let reason = format!("The session has timed out: {why} {}s.", after.as_secs_f64());
    Ending { kind: RealtimeError::IdleTimeout, reason, code: 1008 }
}

/// Sees what a client sends.
struct ClientWatch<'a> {
    audio: &'a mut AudioMeter,
    received: usize,
    heard_audio: bool,
    heard_sign: bool,
}

impl Watch for ClientWatch<'_> {
    fn header(&mut self, header: &Header) {
        self.heard_sign |= matches!(header.opcode, Opcode::Ping | Opcode::Pong);
    }

    fn payload(&mut self, header: &Header, offset: u64, payload: &[u8]) {
        self.heard_audio |= self.audio.take(header, offset, payload);
    }

    fn closing(&mut self) {}

    fn received(&mut self, bytes: usize) {
        self.received += bytes;
    }
}

/// Sees what an engine sends.
struct EngineWatch<'a> {
    gate: &'a mut Gate,
    audio: &'a mut AudioMeter,
    close_code: &'a mut [u8; 2],
    received: usize,
}

impl Watch for EngineWatch<'_> {
    fn header(&mut self, _header: &Header) {}

    fn payload(&mut self, header: &Header, offset: u64, payload: &[u8]) {
        self.audio.hear(header, offset, payload);
        if header.opcode == Opcode::Close {
            let at = usize::try_from(offset).unwrap_or(usize::MAX);
            for (place, byte) in self.close_code.iter_mut().skip(at).zip(payload) {
                *place = *byte;
            }
        }
    }

    /// Before the client sees the close frame, so that its next session finds the place free.
    fn closing(&mut self) {
        self.gate.release();
    }

    fn received(&mut self, bytes: usize) {
        self.received += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a session holds while it is idle: together with its task and the registry's entry it stays far below 8 KiB.
    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of::<Relay>() <= 768, "{} bytes", size_of::<Relay>());
        assert!(size_of::<super::super::session::Session>() <= 512);
    }

    /// A close frame is answered with its own code, and one without a code by a normal closure.
    #[test]
    fn close_codes_are_echoed() {
        assert_eq!(echo(4013_u16.to_be_bytes()), 4013);
        assert_eq!(echo([0; 2]), 1000);
    }
}
