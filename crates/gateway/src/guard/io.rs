//! A client's socket behind the inspector: what hyper reads from.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::http2::FrameMeter;
use super::inspect::{Inspector, Next};
use crate::GatewayLimits;
use crate::limits::{LINGER_BYTES_MAX, LINGER_SECONDS_MAX};
use crate::metrics::Metrics;
use crate::stream::Stream;
use crate::timer::poll_timer;

/// What HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The requests of one connection that wait for their answer, in the lower half, and in the upper half how many ended, modulo
/// what fits: one number, so that keeping it costs a request next to nothing.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<AtomicU64>);

/// One request in flight; it stops being so when this is dropped.
#[derive(Debug)]
pub struct Flight(InFlight);

impl InFlight {
    /// Counts a request until the result is dropped.
    pub fn begin(&self) -> Flight {
        self.0.fetch_add(1, Ordering::Relaxed);
        Flight(self.clone())
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) & u64::from(u32::MAX) > 0
    }

    /// Changes whenever one ends.
    fn ended(&self) -> u64 {
        self.0.load(Ordering::Relaxed) >> u32::BITS
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // One less in the lower half, one more in the upper.
        self.0.0.fetch_add(u64::from(u32::MAX), Ordering::Relaxed);
    }
}

/// How a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.0 or 1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// How long a client may leave the gateway waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientTimes {
    /// Until a head is whole, in seconds.
    pub head_seconds_max: u64,
    /// Between requests, in seconds.
    pub idle_seconds_max: u64,
    /// In the middle of a body, its own or an answer's, in seconds.
    pub stall_seconds_max: u64,
}

impl From<&GatewayLimits> for ClientTimes {
    fn from(limits: &GatewayLimits) -> Self {
        Self {
            head_seconds_max: limits.head_seconds_max,
            idle_seconds_max: limits.idle_seconds_max,
            stall_seconds_max: limits.stall_seconds_max,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Not,
    Refused,
    Broken,
}

/// A client's connection. After an upgrade, [`ClientIo::into_parts`] gives the bare one back.
#[derive(Debug)]
pub struct ClientIo {
    stream: Stream,
    times: ClientTimes,
    inspector: Inspector,
    /// Counts the frames of HTTP/2.
    meter: Option<Box<FrameMeter>>,
    /// Received, not yet good to pass.
    held: BytesMut,
    /// Good, not yet passed.
    ready: Bytes,
    /// Whether `held` was not shown to the inspector yet.
    unseen: bool,
    ended: Ended,
    in_flight: InFlight,
    /// When something last arrived, or when the wait for it began.
    active: Instant,
    /// How many requests had ended when this was last looked at.
    seen_ended: u64,
    read_timer: Option<Pin<Box<Sleep>>>,
    write_timer: Option<Pin<Box<Sleep>>>,
    linger: Option<Linger>,
    /// Where bytes are counted.
    counts: Option<Arc<Metrics>>,
}

#[derive(Debug)]
struct Linger {
    left_bytes: usize,
    timer: Pin<Box<Sleep>>,
}

impl ClientIo {
    /// Takes a connection.
    pub fn new(stream: impl Into<Stream>, times: ClientTimes) -> Self {
        Self {
            stream: stream.into(),
            times,
            inspector: Inspector::default(),
            meter: None,
            held: BytesMut::new(),
            ready: Bytes::new(),
            unseen: false,
            ended: Ended::Not,
            in_flight: InFlight::default(),
            active: Instant::now(),
            seen_ended: 0,
            read_timer: None,
            write_timer: None,
            linger: None,
            counts: None,
        }
    }

    /// Counts its bytes there, until [`ClientIo::into_parts`].
    pub(crate) fn count_on(&mut self, metrics: &Arc<Metrics>) {
        self.counts = Some(Arc::clone(metrics));
    }

    /// The count of requests in flight, for the service to keep.
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.clone()
    }

    /// Waits for the first bytes and tells from them which protocol the client speaks.
    ///
    /// # Errors
    /// When the socket fails or ends, or nothing comes in time.
    pub async fn detect(&mut self) -> io::Result<Protocol> {
        let wait = self.times.idle_seconds_max.min(self.times.head_seconds_max);
        let deadline = Instant::now() + Duration::from_secs(wait);
        loop {
            let length = self.held.len().min(PREFACE.len());
            if self.held[..length] != PREFACE[..length] {
                self.unseen = true;
                return Ok(Protocol::Http1);
            }
            if length == PREFACE.len() {
                self.expect(Protocol::Http2);
                return Ok(Protocol::Http2);
            }
            self.held.reserve(FIRST_READ_BYTES);
            let read = tokio::time::timeout_at(deadline, self.stream.read_buf(&mut self.held));
            if read.await.map_err(|_| timed_out())?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Holds the client to a protocol that was agreed upon before. Another one is malformed.
    pub fn expect(&mut self, protocol: Protocol) {
        match protocol {
            Protocol::Http1 => self.unseen = !self.held.is_empty(),
            Protocol::Http2 => {
                self.inspector = Inspector::tunnel();
                self.meter = Some(Box::new(FrameMeter::new(Instant::now())));
            }
        }
    }

    /// The bare connection, and bytes that arrived and were not read yet.
    pub fn into_parts(self) -> (Stream, Bytes) {
        let mut rest = BytesMut::from(&self.ready[..]);
        rest.extend_from_slice(&self.held);
        (self.stream, rest.freeze())
    }

    /// Shows what is held to the inspector.
    fn examine_held(&mut self) {
        self.unseen = false;
        let step = self.inspector.inspect(&self.held);
        self.ready = self.held.split_to(step.pass).freeze();
        self.note(step.next);
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }

    fn note(&mut self, next: Next) {
        match next {
            Next::More => {}
            Next::Broken => self.ended = Ended::Broken,
            Next::Refused(refused) => {
                self.ended = Ended::Refused;
                self.held = BytesMut::new();
                self.ready = if self.ready.is_empty() {
                    Bytes::from_static(refused.stand_in())
                } else {
                    [&self.ready[..], refused.stand_in()].concat().into()
                };
            }
        }
    }

    /// Takes in what was just read into `buf` after `before`, and leaves in it what may pass.
    fn examine_read(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if !self.held.is_empty() {
            self.held.extend_from_slice(&buf.filled()[before..]);
            buf.set_filled(before);
            return self.examine_held();
        }
        let new = &buf.filled()[before..];
        let step = self.inspector.inspect(new);
        if step.pass < new.len() && step.next == Next::More {
            self.held.extend_from_slice(&new[step.pass..]);
        }
        buf.set_filled(before + step.pass);
        self.note(step.next);
    }

    /// How long the client may leave the gateway waiting in its present state, and since when.
    fn patience(&self) -> Option<Instant> {
        let seconds = if self.inspector.in_body() {
            self.times.stall_seconds_max
        } else if !self.held.is_empty() {
            self.times.head_seconds_max
        } else if self.in_flight.any() {
            return None;
        } else {
            self.times.idle_seconds_max
        };
        Some(self.active + Duration::from_secs(seconds))
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = self.patience();
        // While an answer is on its way the client owes nothing; the timer only comes back to look again.
        let idle = Duration::from_secs(self.times.idle_seconds_max);
        let wait = deadline.unwrap_or_else(|| Instant::now() + idle);
        poll_timer(&mut self.read_timer, wait, cx).map(|()| timed_out())
    }

    /// An HTTP/2 client that asks nothing and takes nothing may stay so long and no longer, whatever else it sends. The time begins
    /// anew when a request ends: its answer is yet to be written.
    fn poll_tunnel_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        // Whoever asked to leave HTTP/1 owes what every client of HTTP/1 does until that is granted; then this is taken apart.
        let Some(meter) = &self.meter else { return self.poll_patience(cx) };
        let ended = self.in_flight.ended();
        if self.in_flight.any() || ended != self.seen_ended {
            (self.active, self.seen_ended) = (Instant::now(), ended);
        }
        let idle = Duration::from_secs(self.times.idle_seconds_max);
        let deadline = self.active.max(meter.active()) + idle;
        poll_timer(&mut self.read_timer, deadline, cx).map(|()| timed_out())
    }

    /// A client that doesn't take what is to be sent to it may do so for a while and no longer. The time begins anew whenever
    /// something was sent.
    fn poll_stall<T>(&mut self, sent: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.write_timer = None;
            return sent;
        }
        let stall = Duration::from_secs(self.times.stall_seconds_max);
        let deadline =
            self.write_timer.as_ref().map_or_else(|| Instant::now() + stall, |timer| timer.deadline());
        poll_timer(&mut self.write_timer, deadline, cx).map(|()| Err(timed_out()))
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; LINGER_READ_BYTES];
        let linger = self.linger.get_or_insert_with(|| Linger {
            left_bytes: LINGER_BYTES_MAX,
            timer: Box::pin(tokio::time::sleep(Duration::from_secs(LINGER_SECONDS_MAX))),
        });
        while linger.left_bytes > 0 && linger.timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                break;
            }
            linger.left_bytes = linger.left_bytes.saturating_sub(buf.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

/// What is read at once before the protocol is known, in bytes.
const FIRST_READ_BYTES: usize = 1024;
/// What is read at once of what is thrown away, in bytes.
const LINGER_READ_BYTES: usize = 4096;

/// Counts the frames of HTTP/2.
fn measure(meter: &mut Option<Box<FrameMeter>>, received: &[u8]) -> io::Result<()> {
    let Some(meter) = meter else { return Ok(()) };
    meter.received(received, Instant::now()).map_err(|flood| {
        tracing::warn!("{flood}");
        io::Error::new(io::ErrorKind::InvalidData, flood)
    })
}

fn count_received(metrics: Option<&Metrics>, buf: &ReadBuf<'_>, before: usize) {
    if let Some(metrics) = metrics {
        metrics.received((buf.filled().len() - before) as u64);
    }
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client took too long")
}

impl AsyncRead for ClientIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                let length = this.ready.len().min(buf.remaining());
                buf.put_slice(&this.ready[..length]);
                this.ready.advance(length);
                return Poll::Ready(Ok(()));
            }
            match this.ended {
                Ended::Not => {}
                // Nothing more is read. An end would make hyper drop the answer that is on its way.
                Ended::Refused => return Poll::Pending,
                Ended::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            }
            if this.inspector.is_tunnel() {
                if this.held.is_empty() {
                    let before = buf.filled().len();
                    if Pin::new(&mut this.stream).poll_read(cx, buf)?.is_pending() {
                        return this.poll_tunnel_patience(cx).map(Err);
                    }
                    count_received(this.counts.as_deref(), buf, before);
                    return Poll::Ready(measure(&mut this.meter, &buf.filled()[before..]));
                }
                measure(&mut this.meter, &this.held)?;
                this.ready = std::mem::take(&mut this.held).freeze();
                continue;
            }
            if this.unseen {
                this.examine_held();
                continue;
            }
            let before = buf.filled().len();
            if Pin::new(&mut this.stream).poll_read(cx, buf)?.is_pending() {
                return this.poll_patience(cx).map(Err);
            }
            count_received(this.counts.as_deref(), buf, before);
            if buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            if this.held.is_empty() || this.inspector.in_body() {
                this.active = Instant::now();
            }
            this.examine_read(buf, before);
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if let (Some(metrics), Poll::Ready(Ok(count))) = (this.counts.as_deref(), &written) {
            metrics.sent(*count as u64);
        }
        match (&mut this.meter, &written) {
            (Some(meter), Poll::Ready(Ok(count))) => meter.sent(&bytes[..*count], Instant::now()),
            // Of HTTP/2 only the meter knows what counts: an answered ping doesn't.
            (None, Poll::Ready(_)) => this.active = Instant::now(),
            _ => {}
        }
        this.poll_stall(written, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let pushed = this.stream.poll_push(cx);
            if !matches!(ready!(this.poll_stall(pushed, cx))?, 1..) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Ends the sending side. Where the client may still be sending, what it sends is read and thrown away for a moment:
    /// closing at once would reset the connection, and the client could lose the answer.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
            ready!(this.poll_stall(shut, cx))?;
        }
        if this.ended == Ended::Not && (this.inspector.is_tunnel() || this.inspector.between_requests()) {
            return Poll::Ready(Ok(()));
        }
        this.poll_linger(cx)
    }
}
