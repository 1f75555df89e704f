//! Any bytes of a client, in any split: the guard before hyper neither panics nor stalls, and passes the same bytes as in one
//! piece.

#![no_main]

// The files instead of their crate: they need nothing of the rest, which would take minutes to build.
#[path = "../../crates/gateway/src/chunks.rs"]
mod chunks;
#[path = "../../crates/gateway/src/guard"]
mod guard {
    #[expect(dead_code, reason = "refusals are only told apart here")]
    pub(crate) mod head;
    #[expect(dead_code, reason = "only bytes are shown here")]
    pub(crate) mod inspect;
}
#[expect(dead_code, reason = "only what concerns heads and chunks is used here")]
#[path = "../../crates/gateway/src/limits.rs"]
mod limits;

use guard::inspect::{Inspector, Next};
use libfuzzer_sys::fuzz_target;

/// How many bytes pass, and what comes after them.
fn pass(parts: &mut dyn Iterator<Item = &[u8]>) -> (usize, Next) {
    let mut inspector = Inspector::default();
    let mut held = Vec::new();
    let mut passed = 0;
    for part in parts {
        held.extend_from_slice(part);
        let step = inspector.inspect(&held);
        assert!(step.pass <= held.len());
        held.drain(..step.pass);
        passed += step.pass;
        if step.next != Next::More {
            return (passed, step.next);
        }
    }
    (passed, Next::More)
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let begin: &[u8] = match input.0 % 3 {
        0 => b"",
        1 => b"GET /v2/jobs HTTP/1.1\r\nhost: a\r\n",
        _ => b"POST /v2/jobs HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
    };
    let bytes = [begin, input.2].concat();
    let (passed, next) = pass(&mut std::iter::once(&bytes[..]));
    let (passed_in_parts, next_in_parts) = pass(&mut bytes.chunks(usize::from(input.1) + 1));
    // Where framing breaks, what is good before the break may have passed in smaller steps, but never less.
    assert_eq!(next, next_in_parts);
    assert_eq!(passed, passed_in_parts);
});
