//! Any bytes, in any split: the follower of WebSocket frames neither panics nor stalls, tells the same as in one piece, and
//! believes no frame beyond its limits.

#![no_main]

// The one file instead of its crate: it needs nothing of the rest, which would take minutes to build.
#[expect(dead_code, reason = "frames are only read here")]
#[path = "../../crates/gateway/src/realtime/frame.rs"]
mod frame;

use frame::{CONTROL_BYTES_MAX, Event, FRAME_BYTES_MAX, Follower, Header, Sender, Violation};
use libfuzzer_sys::fuzz_target;

/// The frames that are told, each with the length of its payload that came, and how it ended.
fn tell(sender: Sender, parts: &mut dyn Iterator<Item = &[u8]>) -> (Vec<(Header, u64)>, Option<Violation>) {
    let mut follower = Follower::new(sender);
    let mut frames: Vec<(Header, u64)> = Vec::new();
    for part in parts {
        let mut at = 0;
        while at < part.len() {
            let step = match follower.step(&part[at..]) {
                Ok(step) => step,
                Err(violation) => return (frames, Some(violation)),
            };
            assert!(step.taken > 0, "every step makes progress");
            match step.event {
                Event::Partial => {}
                Event::Begin(header) => frames.push((header, 0)),
                Event::Payload { header, offset } => {
                    let last = frames.last_mut().expect("payload follows its header");
                    assert_eq!(*last, (header, offset));
                    last.1 += step.taken as u64;
                }
            }
            at += step.taken;
        }
    }
    (frames, None)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (split, bytes) = input;
    for sender in [Sender::Client, Sender::Engine] {
        let whole = tell(sender, &mut std::iter::once(bytes));
        let parts = tell(sender, &mut bytes.chunks(usize::from(split) + 1));
        assert_eq!(whole, parts);
        for (header, payload_bytes) in whole.0 {
            assert!(payload_bytes <= header.payload_bytes && header.payload_bytes <= FRAME_BYTES_MAX);
            assert!(
                !header.opcode.is_control() || (header.last && header.payload_bytes <= CONTROL_BYTES_MAX)
            );
            assert_eq!(header.mask.is_some(), sender == Sender::Client);
        }
    }
});
