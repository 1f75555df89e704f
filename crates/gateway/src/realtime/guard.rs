//! What stands between a leashed client and the pump: holds every text message back until it is whole and checked.
//!
//! Only sessions whose key locks fields have a guard; the bytes of all others are moved unread. Frames of text messages are
//! taken off the stream, and what passes is put back as one frame, so that an engine sees a message only after it was found
//! good, and exactly the text that was looked at. Audio and control frames pass as they come, audio only after the session was
//! started.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use domain::{Product, Reason, Refusal};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, ReadBuf};

use super::frame::{self, Event, Follower, Header, Opcode, Sender, Violation};
use super::lock::{self, Lock, MESSAGE};
use super::strict;

/// A text message of a client, in bytes. The longest that are known carry a dictionary.
const TEXT_BYTES_MAX: usize = 256 * 1024;

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
    lock: Lock,
    follower: Follower,
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
    pub(crate) fn new(product: Product, lock: Lock, early: &[u8]) -> Self {
        let mut guard = Self {
            start: if product == Product::Flow { "StartConversation" } else { "StartRecognition" },
            lock,
            follower: Follower::new(Sender::Client),
            header: Vec::new(),
            text: None,
            passed: BytesMut::new(),
            started: false,
            stop: None,
        };
        guard.take(early);
        guard
    }

    /// Why nothing passes any more, if so.
    pub(crate) const fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// What this client's stream is read through.
    pub(crate) const fn over<'a, R>(&'a mut self, from: &'a mut R) -> Guarded<'a, R> {
        Guarded { guard: self, from }
    }

    /// Takes bytes of the client: what is good of them passes, up to what isn't.
    fn take(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() && self.stop.is_none() {
            match self.follower.step(&bytes[at..]) {
                Ok(step) => {
                    let part = &bytes[at..at + step.taken];
                    at += step.taken;
                    if let Err(stop) = self.pass(step.event, part) {
                        self.stop = Some(stop);
                    }
                }
                Err(violation) => self.stop = Some(Stop::Violated(violation)),
            }
        }
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
            return Err(Stop::Refused(lock::broken(format!(
                "Audio came before {}, some fields of which this temporary key locks. Send {0} first.",
                self.start
            ))));
        }
        self.passed.extend_from_slice(&begun);
        self.passed.extend_from_slice(part);
        Ok(())
    }

    fn gather(&mut self, header: &Header, offset: u64, part: &[u8]) -> Result<(), Stop> {
        let Some(text) = &mut self.text else { return Ok(()) };
        if text.payload.len() + part.len() > TEXT_BYTES_MAX {
            let detail = format!(
                "A text message is longer than {TEXT_BYTES_MAX} bytes, the most that a temporary key with a lock may send."
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
            lock::broken(
                "A message is no JSON object that can be read in one way only: names must not stand twice in an \
                 object, and text must be UTF-8. This temporary key locks fields, so nothing else may pass.",
            )
        })?;
        if !self.started {
            self.check_first(&message)?;
            self.started = true;
            return Ok(());
        }
        // Another start, or what somebody could take for one, is checked like the first.
        if name_of(&message).is_some_and(|name| strict::fold(name).starts_with("start")) {
            return self.lock.check_start(&message);
        }
        self.lock.check_later(&message)
    }

    fn check_first(&self, message: &Map<String, Value>) -> Result<(), Refusal> {
        if name_of(message) != Some(self.start) {
            return Err(lock::broken(format!(
                "The first message is not {}, some fields of which this temporary key locks. Send {0} first.",
                self.start
            )));
        }
        self.lock.check_start(message)
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
            let before = into.filled().len();
            ready!(Pin::new(&mut **from).poll_read(cx, into))?;
            if into.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            guard.take(&into.filled()[before..]);
            into.set_filled(before);
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
