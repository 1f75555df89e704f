//! What a pump guarantees: whatever the sizes in which bytes come and go, the sink gets the valid frames and nothing
//! else, what is put in or added at the end keeps the stream valid, and little is kept.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use proptest::prelude::*;

use super::super::frame::{self, Opcode};
use super::*;

/// Gives its parts one by one, then ends.
struct Parts(VecDeque<Vec<u8>>);

impl AsyncRead for Parts {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(mut part) = this.0.pop_front() {
            let rest = part.split_off(part.len().min(buf.remaining()));
            buf.put_slice(&part);
            if !rest.is_empty() {
                this.0.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Takes at most so many bytes at once, and none every other time.
struct Sink {
    got: Vec<u8>,
    at_once: usize,
    busy: bool,
}

impl Sink {
    fn new(at_once: usize) -> Self {
        Self { got: Vec::new(), at_once, busy: false }
    }
}

impl AsyncWrite for Sink {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.busy = !this.busy && this.at_once != usize::MAX;
        if this.busy {
            return Poll::Pending;
        }
        let count = buf.len().min(this.at_once);
        this.got.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Seen {
    payload: usize,
    closing: usize,
}

impl Watch for Seen {
    fn header(&mut self, _: &Header) {}
    fn payload(&mut self, _: &Header, _: u64, payload: &[u8]) {
        self.payload += payload.len();
    }
    fn closing(&mut self) {
        self.closing += 1;
    }
    fn received(&mut self, _: usize) {}
}

/// Polls until the pump stops, at most `polls` times.
fn run(pump: &mut Pump, from: &mut Parts, to: &mut Sink, polls: usize) -> Option<Progress> {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        assert!(pump.kept.len() <= SCRATCH_BYTES + pump.insert.len() + 64, "little is kept");
        match pump.poll(&mut cx, from, to, &mut Seen::default()) {
            Poll::Pending | Poll::Ready(Progress::Moved) => {}
            Poll::Ready(progress) => return Some(progress),
        }
    }
    None
}

fn parts(bytes: &[u8], size: usize) -> Parts {
    Parts(bytes.chunks(size.max(1)).map(<[u8]>::to_vec).collect())
}

/// Whole messages, some in fragments with a ping between, some beyond what is held back.
fn messages(mask: Option<[u8; 4]>) -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (0usize..40_000).prop_map(|length| vec![7; length]),
    ];
    prop::collection::vec((payload, any::<bool>()), 1..6).prop_map(move |messages| {
        let mut bytes = Vec::new();
        for (payload, fragmented) in messages {
            if fragmented {
                let (left, right) = payload.split_at(payload.len() / 2);
                let mut first = frame::build(Opcode::Text, left, mask);
                first[0] &= 0x7f;
                bytes.extend(first);
                bytes.extend(frame::build(Opcode::Ping, b"between", mask));
                bytes.extend(frame::build(Opcode::Continuation, right, mask));
            } else {
                bytes.extend(frame::build(Opcode::Binary, &payload, mask));
            }
        }
        bytes
    })
}

proptest! {
    /// Valid frames pass unchanged, in both directions, whatever the sizes.
    #[test]
    fn valid_frames_pass_unchanged(
        up in messages(Some([1, 2, 3, 4])),
        down in messages(None),
        size in 1usize..5000,
        at_once in prop_oneof![1usize..3000, Just(usize::MAX)],
        early in any::<prop::sample::Index>(),
    ) {
        for (sender, bytes) in [(Sender::Client, up), (Sender::Engine, down)] {
            let (before, after) = bytes.split_at(early.index(bytes.len()));
            let before = Bytes::copy_from_slice(before);
            let mut pump = if sender == Sender::Client { Pump::from_client(before) } else { Pump::from_engine(before) };
            let mut sink = Sink::new(at_once);
            prop_assert_eq!(run(&mut pump, &mut parts(after, size), &mut sink, 1_000_000), Some(Progress::Ended));
            prop_assert!(sink.got == bytes);
            prop_assert!(pump.kept.capacity() == 0, "an idle pump has no buffer");
        }
    }

    /// Of invalid bytes nothing passes, and everything before them does.
    #[test]
    fn what_is_invalid_stays_out(bytes in messages(Some([1, 2, 3, 4])), size in 1usize..5000, at_once in 1usize..3000) {
        for bad in [&[0xff, 0x80][..], &[0x81, 0x05, 1, 2, 3], &[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]] {
            let mut sink = Sink::new(at_once);
            let mut pump = Pump::from_client(Bytes::new());
            let progress = run(&mut pump, &mut parts(&[&bytes[..], bad].concat(), size), &mut sink, 1_000_000);
            prop_assert!(matches!(progress, Some(Progress::Violated(_))), "{:?}", progress);
            prop_assert!(sink.got == bytes);
        }
    }

    /// Wherever a direction is cut, what the sink got and what it gets last is a valid stream, and what may follow is
    /// what was told.
    #[test]
    fn a_cut_keeps_the_stream_valid(bytes in messages(None), size in 1usize..5000, at_once in 1usize..3000, polls in 0usize..60) {
        let mut sink = Sink::new(at_once);
        let mut pump = Pump::from_engine(Bytes::new());
        run(&mut pump, &mut parts(&bytes, size), &mut sink, polls);
        let (last, place) = pump.cut();
        let got = [&sink.got[..], &last].concat();
        prop_assert!(bytes.starts_with(&got), "nothing is made up");
        let mut follower = Follower::new(Sender::Engine);
        prop_assert_eq!(follower.follow(&got), Ok(()));
        let expected = match (follower.is_between_frames(), follower.is_between_messages()) {
            (true, true) => Place::BetweenMessages,
            (true, false) => Place::BetweenFrames,
            (false, _) => Place::InsideFrame,
        };
        prop_assert_eq!(place, expected);
    }

    /// A message of ours goes out whole, between two of the source's, and those stay as they were.
    #[test]
    fn insertions_go_between_messages(bytes in messages(None), size in 1usize..5000, at_once in 1usize..3000, polls in 0usize..60) {
        let ours = frame::text("ours");
        let mut sink = Sink::new(at_once);
        let mut pump = Pump::from_engine(Bytes::new());
        let mut source = parts(&bytes, size);
        let ended = run(&mut pump, &mut source, &mut sink, polls);
        let before = sink.got.len();
        pump.insert(&ours);
        if ended.is_none() {
            prop_assert_eq!(run(&mut pump, &mut source, &mut sink, 1_000_000), Some(Progress::Ended));
        } else {
            run(&mut pump, &mut source, &mut sink, 10);
        }
        let found = (before..=sink.got.len() - ours.len()).find(|at| {
            sink.got[*at..].starts_with(&ours) && {
                let mut follower = Follower::new(Sender::Engine);
                follower.follow(&sink.got[..*at]).is_ok() && follower.is_between_messages()
            }
        });
        let at = found.expect("ours stands between messages");
        prop_assert!([&sink.got[..at], &sink.got[at + ours.len()..]].concat() == bytes);
    }
}

/// The first message of ours goes out before anything of the engine, even what came with its handshake.
#[test]
fn the_first_insertion_is_first() {
    let engine = frame::text("engine");
    let mut pump = Pump::from_engine(Bytes::from(engine.clone()));
    pump.insert(&frame::text("first"));
    let mut sink = Sink::new(usize::MAX);
    run(&mut pump, &mut parts(b"", 1), &mut sink, 10);
    assert_eq!(sink.got, [frame::text("first"), engine].concat());
}

/// A close frame passes, is told before it is written, and nothing passes after it.
#[test]
fn nothing_follows_a_close_frame() {
    let close = frame::close(1000, "bye", None);
    let bytes = [close.clone(), frame::text("late")].concat();
    let mut pump = Pump::from_engine(Bytes::new());
    let (mut seen, mut sink) = (Seen::default(), Sink::new(1));
    let mut cx = Context::from_waker(Waker::noop());
    let mut source = parts(&bytes, 3);
    loop {
        let progress = pump.poll(&mut cx, &mut source, &mut sink, &mut seen);
        assert!(sink.got.is_empty() || seen.closing == 1);
        if progress == Poll::Ready(Progress::Closed) {
            break;
        }
    }
    assert_eq!((sink.got, pump.place()), (close, Place::Closed));
}

/// The beginning of a small frame of an engine is held back until the frame is whole; if it never is, nothing of it goes
/// out. A large frame passes as it comes.
#[test]
fn small_frames_go_out_whole() {
    let small = frame::text("a small frame");
    let mut pump = Pump::from_engine(Bytes::new());
    let mut sink = Sink::new(usize::MAX);
    assert_eq!(run(&mut pump, &mut parts(&small[..5], 1), &mut sink, 100), Some(Progress::Ended));
    assert_eq!((sink.got.len(), pump.place()), (0, Place::BetweenMessages));

    let large = frame::build(Opcode::Text, &vec![b'x'; 100_000], None);
    let mut pump = Pump::from_engine(Bytes::new());
    assert_eq!(run(&mut pump, &mut parts(&large[..50_000], 999), &mut sink, 100), Some(Progress::Ended));
    assert_eq!((sink.got.len(), pump.place()), (50_000, Place::InsideFrame));
}
