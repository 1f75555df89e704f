//! What stands between a leashed client and the pump: holds every text message back until it is whole and checked.
//!
//! Only sessions whose key locks fields or has an audio budget have a guard; the bytes of all others are moved unread. Frames of
//! text messages are taken off the stream, and what passes is put back as one frame, so that an engine sees a message only
//! after it was found good, and exactly the text that was looked at. Control frames pass as they come, and so does audio,
//! after the session was started and as far as the budget has it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use domain::{Product, Reason, Refusal};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, ReadBuf};

use super::draw::{Allowed, Draw, unclear};
use super::frame::{self, Event, Follower, Header, Opcode, Sender, Violation};
use super::leash::Leashed;
use super::lock::{self, Lock, MESSAGE};
use super::strict;

/// A text message of a client, in bytes. The longest that are known carry a dictionary.
pub(super) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// The text message that carries audio, of one of several channels.
const CHANNEL_AUDIO: &str = "AddChannelAudio";

/// Why nothing passes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The client has sent something invalid.
    Violated(Violation),
    /// The client has sent what its key doesn't allow.
    Refused(Refusal),
}

/// Checks what one client sends.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The message that must come first.
    start: &'static str,
    lock: Option<Lock>,
    draw: Option<Draw>,
    follower: Follower,
    /// What came and was not looked at yet.
    pending: Vec<u8>,
    /// What came of a header that isn't whole.
    header: Vec<u8>,
    /// The text message that isn't whole.
    text: Option<Text>,
    /// What may pass, and the pump has not taken.
    passed: BytesMut,
    started: bool,
    stop: Option<Stop>,
}

#[derive(Debug)]
struct Text {
    /// Of the first frame; what passes is masked with it.
    mask: [u8; 4],
    payload: Vec<u8>,
}

impl Guard {
    /// Guards a session for a product; `early` is what came with the handshake.
    pub(crate) fn new(product: Product, leashed: Leashed, early: &[u8]) -> Self {
        Self {
            start: if product == Product::Flow { "StartConversation" } else { "StartRecognition" },
            lock: leashed.lock,
            draw: leashed.share.map(|share| Draw::new(Box::new(share))),
            follower: Follower::new(Sender::Client),
            pending: early.to_vec(),
            header: Vec::new(),
            text: None,
            passed: BytesMut::new(),
            started: false,
            stop: None,
        }
    }

    /// Why nothing passes any more, if so.
    pub(crate) const fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// The engine has heard this much audio since the beginning, in microseconds.
    ///
    /// # Errors
    /// When the budget doesn't have it.
    pub(crate) fn heard(&mut self, micros: u64) -> Result<(), Refusal> {
        self.draw.as_mut().map_or(Ok(()), |draw| draw.heard(micros))
    }

    /// The sentence of a `Warning` that the client should get now.
    pub(crate) fn warning(&mut self) -> Option<String> {
        self.draw.as_mut()?.warning()
    }

    /// What this client's stream is read through.
    pub(crate) const fn over<'a, R>(&'a mut self, from: &'a mut R) -> Guarded<'a, R> {
        Guarded { guard: self, from }
    }

    /// Looks at what came: what is good of it passes, up to what isn't, or to audio that has to wait.
    fn judge(&mut self, cx: &mut Context<'_>) {
        let bytes = std::mem::take(&mut self.pending);
        let mut at = 0;
        while at < bytes.len() {
            match self.step(cx, &bytes[at..]) {
                Ok(0) => break,
                Ok(taken) => at += taken,
                Err(stop) => {
                    self.stop = Some(stop);
                    return;
                }
            }
        }
        self.pending = bytes[at..].to_vec();
    }

    /// Takes the next of these bytes; none where they are audio that has to wait.
    fn step(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<usize, Stop> {
        let bytes = match (self.follower.payload_to_come(), &mut self.draw) {
            (Some((header, rest)), Some(draw)) if header.message == Opcode::Binary => {
                match draw.allow(cx, rest.min(bytes.len() as u64)) {
                    // Not more than the bytes that are there.
                    Allowed::Bytes(allowed) => &bytes[..usize::try_from(allowed).unwrap_or(bytes.len())],
                    Allowed::Wait => return Ok(0),
                    Allowed::Refused(refusal) => return Err(Stop::Refused(refusal)),
                }
            }
            _ => bytes,
        };
        let step = self.follower.step(bytes).map_err(Stop::Violated)?;
        self.pass(step.event, &bytes[..step.taken])?;
        Ok(step.taken)
    }

    fn pass(&mut self, event: Event, part: &[u8]) -> Result<(), Stop> {
        match event {
            Event::Partial => self.header.extend_from_slice(part),
            Event::Begin(header) => self.begin(&header, part)?,
            Event::Payload { header, offset } if header.message == Opcode::Text => {
                self.gather(&header, offset, part)?;
            }
            Event::Payload { .. } => self.passed.extend_from_slice(part),
        }
        Ok(())
    }

    fn begin(&mut self, header: &Header, part: &[u8]) -> Result<(), Stop> {
        let begun = std::mem::take(&mut self.header);
        if header.message == Opcode::Text {
            let mask = header.mask.unwrap_or_default();
            self.text.get_or_insert(Text { mask, payload: Vec::new() });
            // A frame without payload has no other event.
            return if header.payload_bytes == 0 { self.gather(header, 0, &[]) } else { Ok(()) };
        }
        if header.message == Opcode::Binary && !self.started {
            return Err(Stop::Refused(
                self.refusal(format!("Audio came before {0}. Send {0} first.", self.start)),
            ));
        }
        self.passed.extend_from_slice(&begun);
        self.passed.extend_from_slice(part);
        Ok(())
    }

    fn gather(&mut self, header: &Header, offset: u64, part: &[u8]) -> Result<(), Stop> {
        let Some(text) = &mut self.text else { return Ok(()) };
        if text.payload.len() + part.len() > TEXT_BYTES_MAX {
            let detail = format!(
                "A text message is longer than {TEXT_BYTES_MAX} bytes, the most that a key with a lock or a limit of audio may send."
            );
            return Err(Stop::Refused(Refusal::new(Reason::TooLarge, detail)));
        }
        let from = text.payload.len();
        text.payload.extend_from_slice(part);
        frame::unmask(&mut text.payload[from..], header.mask.unwrap_or_default(), offset);
        if !header.last || offset + part.len() as u64 != header.payload_bytes {
            return Ok(());
        }
        if let Some(Text { mask, payload }) = self.text.take() {
            self.check(&payload).map_err(Stop::Refused)?;
            self.passed.extend_from_slice(&frame::build(Opcode::Text, &payload, Some(mask)));
        }
        Ok(())
    }

    fn check(&mut self, text: &[u8]) -> Result<(), Refusal> {
        let message = strict::object(text).ok_or_else(|| {
            self.refusal(
                "A message is no JSON object that can be read in one way only: names must not stand twice in an \
                 object, and text must be UTF-8.",
            )
        })?;
        if !self.started && name_of(&message) != Some(self.start) {
            return Err(self.refusal(format!("The first message is not {0}. Send {0} first.", self.start)));
        }
        // Another start, or what somebody could take for one, is checked like the first.
        let is_start =
            !self.started || name_of(&message).is_some_and(|name| strict::fold(name).starts_with("start"));
        self.started = true;
        match &self.lock {
            Some(lock) if is_start => lock.check_start(&message)?,
            Some(lock) => lock.check_later(&message)?,
            None => {}
        }
        match &mut self.draw {
            Some(draw) if is_start => draw.start(&message),
            Some(draw) => draw.book_bytes(channel_audio_bytes(&message)),
            None => Ok(()),
        }
    }

    /// What isn't clear breaks a lock, if there is one.
    fn refusal(&self, detail: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
        if self.lock.is_some() { lock::broken(detail) } else { unclear(detail) }
    }

    /// Gives the pump what may pass. Returns whether there was anything.
    fn give(&mut self, into: &mut ReadBuf<'_>) -> bool {
        let count = self.passed.len().min(into.remaining());
        into.put_slice(&self.passed[..count]);
        self.passed.advance(count);
        if self.passed.is_empty() {
            // An idle session has no buffer.
            self.passed = BytesMut::new();
        }
        count > 0
    }
}

fn name_of(message: &Map<String, Value>) -> Option<&str> {
    message.get(MESSAGE)?.as_str()
}

/// How much audio a text message carries.
fn channel_audio_bytes(message: &Map<String, Value>) -> u64 {
    let is_audio = name_of(message).is_some_and(|name| strict::fold(name) == strict::fold(CHANNEL_AUDIO));
    // Four letters of base64 are three bytes, and nobody pays for a message that holds something else.
    let letters = message.get("data").and_then(Value::as_str).filter(|_| is_audio).map_or(0, str::len);
    (letters as u64 * 3).div_ceil(4)
}

/// A client's stream, of which only what is good comes out. After something that isn't, it has ended.
#[derive(Debug)]
pub(crate) struct Guarded<'a, R> {
    guard: &'a mut Guard,
    from: &'a mut R,
}

impl<R: AsyncRead + Unpin> AsyncRead for Guarded<'_, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Self { guard, from } = self.get_mut();
        loop {
            if guard.give(into) || guard.stop.is_some() {
                return Poll::Ready(Ok(()));
            }
            if !guard.pending.is_empty() {
                guard.judge(cx);
                if !guard.pending.is_empty() && guard.passed.is_empty() {
                    // The budget wakes the task.
                    return Poll::Pending;
                }
                continue;
            }
            let before = into.filled().len();
            ready!(Pin::new(&mut **from).poll_read(cx, into))?;
            if into.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            guard.pending.extend_from_slice(&into.filled()[before..]);
            into.set_filled(before);
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "leash_tests.rs"]
mod leash_tests;
