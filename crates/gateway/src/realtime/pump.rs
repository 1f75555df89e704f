//! One direction of a session: reads, follows frames, writes what is valid.
//!
//! Bytes are read into a buffer of the thread and written from there at once. Only what the sink doesn't take, and
//! the beginning of a frame that goes out whole or not at all, is kept in a buffer of the pump, and nothing more is
//! read until the sink has taken what it may have. An idle pump has no buffer.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{Event, Follower, Header, Sender, Violation};

/// What one read takes at most, together with what was held back, in bytes.
const SCRATCH_BYTES: usize = 32 * 1024;
/// An engine's frame up to this length goes out whole or not at all, in bytes with its header. So a session that
/// is ended between such frames can still be told why.
const HELD_FRAME_BYTES_MAX: u64 = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// Sees what passes.
pub(crate) trait Watch {
    /// A header came.
    fn header(&mut self, header: &Header);
    /// Payload came.
    fn payload(&mut self, header: &Header, offset: u64, payload: &[u8]);
    /// A close frame came whole; called before any of it is written.
    fn closing(&mut self);
    /// This many bytes were read.
    fn received(&mut self, bytes: usize);
}

/// What a poll has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Bytes moved; poll again.
    Moved,
    /// The source has closed by a close frame, and the sink has it.
    Closed,
    /// The source has ended without a close frame, and the sink has all that came.
    Ended,
    /// The source has sent something invalid, and the sink has all that came before.
    Violated(Violation),
    /// The sink doesn't take bytes any more.
    SinkBroken,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Open,
    Closed,
    Ended,
    Violated(Violation),
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Pump {
    /// Follows what is read.
    read: Follower,
    /// Follows what is written.
    written: Follower,
    /// Came with the handshake, before the pump began.
    early: Bytes,
    /// Read and not written. The first `ready` bytes may be written; the rest waits for its frame to be complete.
    kept: Vec<u8>,
    ready: usize,
    source: Source,
    /// A message of ours, to be put in at the next place between messages.
    insert: Vec<u8>,
    held_frame_bytes_max: u64,
    /// The sink may have taken bytes without sending them: TLS does.
    unflushed: bool,
}

impl Pump {
    /// Client to engine.
    pub(crate) fn from_client(early: Bytes) -> Self {
        Self::new(Sender::Client, early, 0)
    }

    /// Engine to client.
    pub(crate) fn from_engine(early: Bytes) -> Self {
        Self::new(Sender::Engine, early, HELD_FRAME_BYTES_MAX)
    }

    fn new(sender: Sender, early: Bytes, held_frame_bytes_max: u64) -> Self {
        Self {
            read: Follower::new(sender),
            written: Follower::new(sender),
            early,
            kept: Vec::new(),
            ready: 0,
            source: Source::Open,
            insert: Vec::new(),
            held_frame_bytes_max,
            unflushed: false,
        }
    }

    /// Puts a message of ours in, as soon as none of the source's is unfinished.
    pub(crate) fn insert(&mut self, message: &[u8]) {
        self.insert.extend_from_slice(message);
    }

    /// What may follow what was written.
    pub(crate) const fn place(&self) -> Place {
        if !self.written.is_between_frames() {
            Place::InsideFrame
        } else if self.written.is_closed() {
            Place::Closed
        } else if self.written.is_between_messages() {
            Place::BetweenMessages
        } else {
            Place::BetweenFrames
        }
    }

    /// Ends the direction: the rest of a frame that the sink has a part of, as far as it was read. Then tells
    /// whether a message may follow, or only a close frame, or nothing.
    pub(crate) fn cut(mut self) -> (Vec<u8>, Place) {
        let Some(rest) = self.written.bytes_to_frame_end(&self.kept) else {
            return (Vec::new(), Place::InsideFrame);
        };
        self.kept.truncate(rest);
        // The read follower has found these bytes valid.
        let _ = self.written.follow(&self.kept);
        let place = self.place();
        (self.kept, place)
    }

    /// Moves bytes once.
    pub(crate) fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        watch: &mut impl Watch,
    ) -> Poll<Progress>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let writable = self.writable();
        if writable > 0 {
            return self.poll_write_kept(cx, to, writable);
        }
        // Before more is read: so a sink that takes its time slows the source down, whatever it holds itself.
        if self.unflushed {
            if ready!(Pin::new(&mut *to).poll_flush(cx)).is_err() {
                return Poll::Ready(Progress::SinkBroken);
            }
            self.unflushed = false;
        }
        match self.source {
            Source::Open => {}
            Source::Closed => return Poll::Ready(Progress::Closed),
            Source::Ended => return Poll::Ready(Progress::Ended),
            Source::Violated(violation) => return Poll::Ready(Progress::Violated(violation)),
        }
        SCRATCH.with_borrow_mut(|scratch| self.poll_pass(cx, from, to, watch, scratch))
    }

    /// How much of `kept` may be written now. Puts a waiting message of ours in where it belongs.
    fn writable(&mut self) -> usize {
        if self.insert.is_empty() {
            return self.ready;
        }
        match self.written.bytes_to_message_end(&self.kept[..self.ready]) {
            Some(0) if !self.written.is_closed() => {
                self.ready += self.insert.len();
                self.kept.splice(0..0, self.insert.drain(..));
                self.insert = Vec::new();
                self.ready
            }
            Some(0) | None => self.ready,
            Some(end) => end,
        }
    }

    fn poll_write_kept<W>(&mut self, cx: &mut Context<'_>, to: &mut W, writable: usize) -> Poll<Progress>
    where
        W: AsyncWrite + Unpin,
    {
        let written = match ready!(Pin::new(to).poll_write(cx, &self.kept[..writable])) {
            Ok(written) if written > 0 => written,
            Ok(_) | Err(_) => return Poll::Ready(Progress::SinkBroken),
        };
        self.unflushed = true;
        // The read follower has found these bytes valid, or they are ours.
        let _ = self.written.follow(&self.kept[..written]);
        self.ready -= written;
        if written == self.kept.len() {
            self.kept = Vec::new();
        } else {
            self.kept.drain(..written);
        }
        Poll::Ready(Progress::Moved)
    }

    /// Reads once and writes what of it may be written.
    fn poll_pass<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        watch: &mut impl Watch,
        scratch: &mut [u8],
    ) -> Poll<Progress>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let held = self.kept.len();
        scratch[..held].copy_from_slice(&self.kept);
        let read = ready!(self.poll_read(cx, from, &mut scratch[held..]));
        if read == 0 {
            // What is held back is the beginning of a frame that will never end.
            self.kept = Vec::new();
            self.source = Source::Ended;
            return Poll::Ready(Progress::Moved);
        }
        watch.received(read);
        let (ready, end) = self.follow(&scratch[..held + read], held, watch);
        let mut written = 0;
        if ready > 0 && self.insert.is_empty() {
            match Pin::new(to).poll_write(cx, &scratch[..ready]) {
                Poll::Ready(Ok(count)) if count > 0 => (written, self.unflushed) = (count, true),
                Poll::Ready(_) => return Poll::Ready(Progress::SinkBroken),
                Poll::Pending => {}
            }
            let _ = self.written.follow(&scratch[..written]);
        }
        self.kept = scratch[written..end].to_vec();
        self.ready = ready - written;
        Poll::Ready(Progress::Moved)
    }

    fn poll_read<R>(&mut self, cx: &mut Context<'_>, from: &mut R, into: &mut [u8]) -> Poll<usize>
    where
        R: AsyncRead + Unpin,
    {
        if !self.early.is_empty() {
            let count = self.early.len().min(into.len());
            self.early.copy_to_slice(&mut into[..count]);
            if self.early.is_empty() {
                // Lets go of the handshake's buffer.
                self.early = Bytes::new();
            }
            return Poll::Ready(count);
        }
        let mut buffer = ReadBuf::new(into);
        match ready!(Pin::new(from).poll_read(cx, &mut buffer)) {
            Ok(()) => Poll::Ready(buffer.filled().len()),
            // A broken source has ended; how it broke changes nothing.
            Err(_) => Poll::Ready(0),
        }
    }

    /// Follows `bytes` from `at` on; what is before was followed and held back. Returns how many bytes may be
    /// written, and how many are to be kept altogether.
    fn follow(&mut self, bytes: &[u8], mut at: usize, watch: &mut impl Watch) -> (usize, usize) {
        // Where the frame begins that must not be written yet. What was held back begins with one; otherwise the
        // pump stands between frames, or in the middle of one that is let through as it comes.
        let mut hold = (at > 0 || self.read.is_between_frames()).then_some(0);
        while at < bytes.len() {
            let step = match self.read.step(&bytes[at..]) {
                Ok(step) => step,
                Err(violation) => {
                    self.source = Source::Violated(violation);
                    let valid = hold.unwrap_or(at);
                    return (valid, valid);
                }
            };
            match step.event {
                Event::Partial => {}
                Event::Begin(header) => {
                    watch.header(&header);
                    if u64::from(header.header_bytes) + header.payload_bytes > self.held_frame_bytes_max {
                        hold = None;
                    }
                }
                Event::Payload { header, offset } => {
                    watch.payload(&header, offset, &bytes[at..at + step.taken]);
                }
            }
            at += step.taken;
            if self.read.is_between_frames() {
                hold = Some(at);
            }
            if self.read.is_closed() {
                // Whatever follows a close frame is nobody's.
                watch.closing();
                self.source = Source::Closed;
                return (at, at);
            }
        }
        (hold.unwrap_or(at), at)
    }
}

/// Where a direction was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A message may follow.
    BetweenMessages,
    /// The message is unfinished: only a close frame may follow.
    BetweenFrames,
    /// The frame is unfinished: nothing can follow.
    InsideFrame,
    /// A close frame was the last: nothing may follow.
    Closed,
}

#[cfg(test)]
#[path = "pump_tests.rs"]
mod tests;
