//! What a guard guarantees: of what a client sends, exactly what its key allows comes out, however it is split.

use std::collections::VecDeque;
use std::io;
use std::task::Waker;

use domain::Leash;
use proptest::prelude::*;

use super::*;

const MASK: Option<[u8; 4]> = Some([4, 3, 2, 1]);
const LOCK: &str = r#"{"transcription_config":{"language":"en"}}"#;
const START: &str = r#"{"message":"StartRecognition","transcription_config":{"language":"en"}}"#;
const OTHER: &str = r#"{"message":"StartRecognition","transcription_config":{"language":"de"}}"#;

/// Gives its parts one by one, then ends.
pub(super) struct Parts(pub(super) VecDeque<Vec<u8>>);

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

fn guard(early: &[u8]) -> Guard {
    let leash = Leash { lock: Some(LOCK.to_owned()), ..Leash::default() };
    Guard::new(Product::Rt, Leashed { lock: Lock::of(&leash).unwrap(), share: None }, early)
}

/// What comes out, and why it stopped if it did.
fn through(bytes: &[u8], size: usize, early: usize) -> (Vec<u8>, Option<Stop>) {
    let (early, late) = bytes.split_at(early.min(bytes.len()));
    let mut guard = guard(early);
    let mut parts = Parts(late.chunks(size).map(<[u8]>::to_vec).collect());
    let mut cx = Context::from_waker(Waker::noop());
    let mut out = Vec::new();
    let mut room = vec![0; 1000];
    loop {
        let mut into = ReadBuf::new(&mut room);
        let Poll::Ready(result) = Pin::new(&mut guard.over(&mut parts)).poll_read(&mut cx, &mut into) else {
            panic!("nothing here waits")
        };
        result.unwrap();
        if into.filled().is_empty() {
            return (out, guard.stop);
        }
        out.extend_from_slice(into.filled());
    }
}

fn text(text: &str) -> Vec<u8> {
    frame::build(Opcode::Text, text.as_bytes(), MASK)
}

/// A text message in so many frames, with a ping after each.
fn fragments(text: &str, size: usize) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
        let mut frame = frame::build(opcode, part, Some([index as u8; 4]));
        if index + 1 < parts.len() {
            frame[0] &= 0x7f;
        }
        bytes.extend(frame);
        bytes.extend(frame::build(Opcode::Ping, b"alive", MASK));
    }
    bytes
}

fn refused(stop: Option<Stop>) -> Reason {
    match stop {
        Some(Stop::Refused(refusal)) => refusal.reason,
        other => panic!("{other:?} is no refusal"),
    }
}

/// Messages of all kinds that come after a start; those that must not pass are told.
fn later() -> impl Strategy<Value = (Vec<u8>, bool)> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|audio| (frame::build(Opcode::Binary, &audio, MASK), true)),
        1 => Just((text(r#"{"message":"EndOfStream","last_seq_no":3}"#), true)),
        1 => Just((text(START), true)),
        1 => Just((frame::build(Opcode::Pong, b"", MASK), true)),
        1 => Just((text(OTHER), false)),
        1 => Just((text("{}{"), false)),
    ]
}

proptest! {
    /// Whatever the sizes in which bytes come: everything before the first message that breaks the lock comes out unchanged,
    /// and nothing of that message or after it.
    #[test]
    fn splits_change_nothing(
        messages in prop::collection::vec(later(), 0..12), size in 1usize..400, early in 0usize..200,
    ) {
        let good: Vec<u8> = messages.iter().take_while(|(_, good)| *good).flat_map(|(bytes, _)| bytes.clone()).collect();
        let all: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let (out, stop) = through(&[text(START), all].concat(), size, early);
        prop_assert!(out == [text(START), good].concat());
        prop_assert_eq!(stop.is_some(), messages.iter().any(|(_, good)| !good));
    }

    /// A start in fragments comes out as one frame, the control frames between them before it; one that breaks the lock
    /// doesn't come out, whatever its fragments.
    #[test]
    fn fragments_are_put_together(fragment in 1usize..80, size in 1usize..200) {
        let (out, stop) = through(&fragments(START, fragment), size, 0);
        prop_assert_eq!(stop, None);
        let mut follower = Follower::new(Sender::Client);
        let mut texts = Vec::new();
        let mut at = 0;
        while at < out.len() {
            let step = follower.step(&out[at..]).unwrap();
            if let Event::Payload { header, offset } = step.event && header.opcode == Opcode::Text {
                let mut part = out[at..at + step.taken].to_vec();
                frame::unmask(&mut part, header.mask.unwrap(), offset);
                prop_assert!(header.last);
                texts.extend(part);
            }
            at += step.taken;
        }
        prop_assert_eq!(String::from_utf8(texts).unwrap(), START);
        let (out, stop) = through(&fragments(OTHER, fragment), size, 0);
        prop_assert_eq!(refused(stop), Reason::LockBroken);
        prop_assert!(out.iter().all(|byte| *byte != 0x81), "no text frame came out");
    }

    /// No bytes make a guard panic, and nothing but control frames passes before a start that is allowed.
    #[test]
    fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1usize..100) {
        let (out, _) = through(&bytes, size, 0);
        prop_assert!(out.first().is_none_or(|first| first & 0x0f >= 8));
    }
}

/// Before the start that is allowed nothing passes: no audio, no other message, nothing that readers could read otherwise.
#[test]
fn nothing_comes_before_the_start() {
    let audio = frame::build(Opcode::Binary, b"{\"message\":\"StartRecognition\"}", MASK);
    let starts = [
        audio,
        frame::build(Opcode::Binary, b"", MASK),
        text(""),
        text("[]"),
        text(r#"{"message":"EndOfStream"}"#),
        text(&START.replace("StartRecognition", "startrecognition")),
        text(&START.replace("StartRecognition", "StartConversation")),
        text(&START.replace(r#""language":"en""#, r#""language":"de","language":"en""#)),
        text(&START.replace(r#""language":"en""#, r#""language":"en","Language":"de""#)),
        text(&START.replace(r#""message""#, r#""Message":"x","message""#)),
        text(&format!("{START}{START}")),
        frame::build(Opcode::Text, b"{\"message\":\"StartRecognition\",\"x\":\"\xff\"}", MASK),
    ];
    for start in starts {
        let (out, stop) = through(&[start.clone(), text(START)].concat(), 7, 0);
        assert_eq!((out.len(), refused(stop)), (0, Reason::LockBroken), "{start:?}");
    }
}

/// A second start is held to the lock too, also where only its name is spelled otherwise.
#[test]
fn every_start_is_checked() {
    for name in ["StartRecognition", "startRecognition", "START_RECOGNITION", "StartConversation"] {
        let without = format!(r#"{{"message":"{name}"}}"#);
        let (out, stop) = through(&[text(START), text(&without)].concat(), 1000, 0);
        assert_eq!((out, refused(stop)), (text(START), Reason::LockBroken), "{name}");
    }
}

/// The longest message passes, and a byte more is refused while it comes, before it is kept.
#[test]
fn messages_have_a_limit() {
    let filled = |bytes: usize| {
        let frame = r#"{"message":"StartRecognition","transcription_config":{"language":"en"},"x":""}"#;
        frame.replace(r#""x":"""#, &format!(r#""x":"{}""#, "a".repeat(bytes - frame.len())))
    };
    let longest = text(&filled(TEXT_BYTES_MAX));
    assert_eq!(through(&longest, 10_000, 0), (longest, None));
    let (out, stop) = through(&text(&filled(TEXT_BYTES_MAX + 1)), 10_000, 0);
    assert_eq!((out.len(), refused(stop)), (0, Reason::TooLarge));
}

/// Invalid frames end it as they do without a guard, also inside a message that is held back.
#[test]
fn invalid_frames_are_told() {
    let mut begun = text(START);
    begun[0] &= 0x7f;
    for bad in [vec![0x81, 0x01, b'x'], vec![0xff, 0x80], [begun.clone(), text(START)].concat()] {
        let (out, stop) = through(&bad, 3, 0);
        assert!(out.is_empty() && matches!(stop, Some(Stop::Violated(_))), "{stop:?}");
    }
    let close = frame::close(1000, "", MASK);
    assert_eq!(
        through(&[begun, close.clone()].concat(), 5, 0),
        (close, None),
        "a client may go in the middle"
    );
}
