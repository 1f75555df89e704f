//! Any bytes of an HTTP/2 client, in any split: the meter of empty frames neither panics nor stalls, and counts the same as in
//! one piece.

#![no_main]

// The one file instead of its crate: it needs nothing of the rest, which would take minutes to build.
#[expect(dead_code, reason = "who has been silent for too long is not asked here")]
#[path = "../../crates/gateway/src/guard/http2.rs"]
mod http2;

use http2::FrameMeter;
use libfuzzer_sys::fuzz_target;
use tokio::time::Instant;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (split, sent, bytes) = input;
    let now = Instant::now();
    let count = |parts: &mut dyn Iterator<Item = &[u8]>| {
        let mut meter = FrameMeter::new(now);
        meter.sent(&vec![0; usize::from(sent)], now);
        for part in parts {
            if meter.received(part, now).is_err() {
                return None;
            }
        }
        Some(format!("{meter:?}"))
    };
    assert_eq!(count(&mut std::iter::once(bytes)), count(&mut bytes.chunks(usize::from(split) + 1)));
});
