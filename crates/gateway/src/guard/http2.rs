//! Counts the frames of an HTTP/2 client that carry nothing: pings, settings, resets, empty ones. Each costs the gateway about as
//! much as it costs the client, but a flood of them would take a worker away from everybody else. What such frames may
//! make hyper remember is bounded by hyper itself (`accept`); here is bounded how many there are.

use std::time::Duration;

use tokio::time::Instant;

/// What a client begins with, in bytes.
const PREFACE_BYTES: u32 = 24;
/// The fixed beginning of a frame (RFC 9113, 4.1), in bytes.
const HEADER_BYTES: usize = 9;
/// Such frames at once.
const EMPTY_FRAMES_BURST_MAX: u32 = 1000;
/// Such frames per second, after that many at once.
const EMPTY_FRAMES_PER_SECOND_MAX: u32 = 100;
/// A client that takes what it is sent says so now and then: for so many bytes one window update is free.
const BYTES_PER_WINDOW_UPDATE: u64 = 256;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const WINDOW_UPDATE: u8 = 0x8;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;

/// Follows the frames of one direction.
#[derive(Debug)]
struct Follower {
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// What of the payload is still to come.
    skip_bytes: u32,
}

/// The beginning of a frame.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: u8,
    flags: u8,
    length: u32,
}

impl Follower {
    const fn new(skip_bytes: u32) -> Self {
        Self { header: [0; HEADER_BYTES], header_bytes: 0, skip_bytes }
    }

    /// Takes bytes up to the end of the next header, or all.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let skip = bytes.len().min(usize::try_from(self.skip_bytes).unwrap_or(usize::MAX));
        self.skip_bytes -= u32::try_from(skip).unwrap_or(self.skip_bytes);
        *bytes = &bytes[skip..];
        let taken = bytes.len().min(HEADER_BYTES - self.header_bytes);
        self.header[self.header_bytes..self.header_bytes + taken].copy_from_slice(&bytes[..taken]);
        self.header_bytes += taken;
        *bytes = &bytes[taken..];
        if self.header_bytes < HEADER_BYTES {
            return None;
        }
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        (self.header_bytes, self.skip_bytes) = (0, length);
        Some(Frame { kind, flags, length })
    }
}

/// Counts one client's frames, and knows when something last passed that carries a request or an answer.
#[derive(Debug)]
pub struct FrameMeter {
    received: Follower,
    sent: Follower,
    /// Empty frames, less what time has forgiven.
    empty: u32,
    forgiven_until: Instant,
    /// Bytes that were sent and that no window update has answered yet.
    sent_bytes: u64,
    active: Instant,
}

/// More empty frames than a client has use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client floods the connection with frames that carry nothing")]
pub struct Flood;

impl FrameMeter {
    /// For a connection whose preface is still to come.
    pub const fn new(now: Instant) -> Self {
        Self {
            received: Follower::new(PREFACE_BYTES),
            sent: Follower::new(0),
            empty: 0,
            forgiven_until: now,
            sent_bytes: 0,
            active: now,
        }
    }

    /// When something last passed that carries a request or an answer, or when the connection began.
    pub const fn active(&self) -> Instant {
        self.active
    }

    /// Takes note of bytes that were sent to the client.
    pub fn sent(&mut self, mut bytes: &[u8], now: Instant) {
        self.sent_bytes = self.sent_bytes.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() {
            if self.sent.next(&mut bytes).is_some_and(|frame| matches!(frame.kind, DATA | HEADERS)) {
                self.active = now;
            }
        }
    }

    /// Takes note of bytes that came from the client.
    ///
    /// # Errors
    /// When they are a flood.
    pub fn received(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if let Some(frame) = self.received.next(&mut bytes) {
                self.take(frame, now)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame, now: Instant) -> Result<(), Flood> {
        if !self.is_empty(frame) {
            if matches!(frame.kind, DATA | HEADERS) {
                self.active = now;
            }
            return Ok(());
        }
        if self.empty == EMPTY_FRAMES_BURST_MAX {
            self.forgive(now);
        }
        if self.empty == EMPTY_FRAMES_BURST_MAX {
            return Err(Flood);
        }
        self.empty += 1;
        Ok(())
    }

    fn is_empty(&mut self, frame: Frame) -> bool {
        match frame.kind {
            DATA => frame.length == 0 && frame.flags & END_STREAM == 0,
            HEADERS => false,
            CONTINUATION => frame.length == 0,
            WINDOW_UPDATE if self.sent_bytes >= BYTES_PER_WINDOW_UPDATE => {
                self.sent_bytes -= BYTES_PER_WINDOW_UPDATE;
                false
            }
            _ => true,
        }
    }

    /// Forgets as many as the time allows that has gone by.
    fn forgive(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.forgiven_until).as_secs();
        let forgiven = u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(EMPTY_FRAMES_PER_SECOND_MAX);
        self.empty = self.empty.saturating_sub(forgiven);
        self.forgiven_until += Duration::from_secs(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 0x6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.extend(payload);
        frame
    }

    fn meter(now: Instant) -> FrameMeter {
        let mut meter = FrameMeter::new(now);
        meter.received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now).unwrap();
        meter
    }

    fn many(count: u32, frame: &[u8]) -> Vec<u8> {
        frame.repeat(usize::try_from(count).unwrap())
    }

    /// As many pings at once as a client may send are fine, one more is a flood, and time forgives.
    #[test]
    fn floods_end_and_bursts_do_not() {
        let now = Instant::now();
        let mut meter = meter(now);
        let ping = frame(PING, 0, &[0; 8]);
        assert_eq!(meter.received(&many(EMPTY_FRAMES_BURST_MAX, &ping), now), Ok(()));
        let later = now + Duration::from_secs(1);
        assert_eq!(meter.received(&many(EMPTY_FRAMES_PER_SECOND_MAX, &ping), later), Ok(()));
        assert_eq!(meter.received(&ping, later), Err(Flood));
    }

    /// Every kind of empty frame counts; those that carry a request or a body don't, however many.
    #[test]
    fn what_counts() {
        let over = EMPTY_FRAMES_BURST_MAX + 1;
        let now = Instant::now();
        let empty = [
            frame(DATA, 0, b""),
            frame(0x2, 0, &[0; 5]),
            frame(0x3, 0, &[0; 4]),
            frame(0x4, 0, b""),
            frame(0x4, 1, b""),
            frame(0x7, 0, &[0; 8]),
            frame(WINDOW_UPDATE, 0, &[0; 4]),
            frame(CONTINUATION, 0, b""),
            frame(0x42, 0, b"unknown"),
        ];
        for frame in empty {
            assert_eq!(meter(now).received(&many(over, &frame), now), Err(Flood), "{frame:?}");
        }
        for frame in [frame(DATA, 0, b"x"), frame(DATA, END_STREAM, b""), frame(HEADERS, 5, b"x")] {
            assert_eq!(meter(now).received(&many(over, &frame), now), Ok(()), "{frame:?}");
        }
    }

    /// A client that takes much may say so often.
    #[test]
    fn window_updates_are_free_for_what_was_sent() {
        let now = Instant::now();
        let mut meter = meter(now);
        let count = EMPTY_FRAMES_BURST_MAX * 10;
        meter.sent(&vec![0; usize::try_from(u64::from(count) * BYTES_PER_WINDOW_UPDATE).unwrap()], now);
        let update = frame(WINDOW_UPDATE, 0, &[0; 4]);
        assert_eq!(meter.received(&many(count + EMPTY_FRAMES_BURST_MAX, &update), now), Ok(()));
        assert_eq!(meter.received(&update, now), Err(Flood));
    }

    /// Frames are followed however their bytes are split.
    #[test]
    fn bytes_may_come_one_by_one() {
        let now = Instant::now();
        let mut meter = FrameMeter::new(now);
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        for _ in 0..3 {
            bytes.extend(frame(DATA, 0, &[6; 300]));
            bytes.extend(frame(PING, 0, &[0; 8]));
        }
        for byte in bytes {
            meter.received(&[byte], now).unwrap();
        }
        assert_eq!((meter.empty, meter.received.header_bytes, meter.received.skip_bytes), (3, 0, 0));
    }

    /// Requests and answers keep a connection alive, pings and their like don't, in either direction.
    #[test]
    fn what_keeps_a_connection_alive() {
        let begin = Instant::now();
        let later = begin + Duration::from_secs(9);
        for (kind, keeps) in
            [(DATA, true), (HEADERS, true), (PING, false), (0x4, false), (WINDOW_UPDATE, false)]
        {
            let bytes = frame(kind, 0, &[1; 8]);
            let expected = if keeps { later } else { begin };
            let mut from = meter(begin);
            from.received(&bytes, later).unwrap();
            let mut to = meter(begin);
            to.sent(&bytes, later);
            assert_eq!((from.active(), to.active()), (expected, expected), "{kind}");
        }
    }
}
