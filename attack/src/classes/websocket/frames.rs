//! Frames (RFC 6455, section 5): what is none ends the session.

use super::begun;
use crate::Fault;
use crate::arena::Arena;
use crate::trial::{Trial, Verdict};
use crate::wire::frame::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, build, raw};
use crate::wire::session::{MASK, Session};

/// A case: its frames, and the code that the session ends with.
type Case = (String, Vec<Vec<u8>>, &'static [u16]);

const PROTOCOL: &[u16] = &[1002];
const LARGE: &[u16] = &[1009];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for (name, frames, codes) in cases() {
        let case = format!("websocket frame: {name}");
        let mut session = begun(arena, &case).await?;
        let before: usize = arena.recorder.of(&case).iter().map(|one| one.frames.len()).sum();
        for frame in &frames {
            session.send(frame).await;
        }
        let ending = session.ending().await;
        let after: usize = arena
            .recorder
            .of(&case)
            .iter()
            .map(|one| one.frames.iter().filter(|(opcode, _)| *opcode != CLOSE).count())
            .sum();
        // Whole frames before the wrong one may have passed.
        let passed = after - before;
        let verdict = if passed >= frames.len() {
            Verdict::Reached(format!("{passed} frames"))
        } else {
            // A close frame of good form ends the session, whatever code is in it: the engine answers it with its own.
            let fine = codes.is_empty() || codes.contains(&ending.code);
            Verdict::held_if(fine && is_over(&mut session).await, || {
                format!("expected {codes:?}, got {ending:?}")
            })
        };
        trial.attack(&case, verdict);
    }
    let mut session = begun(arena, "frames control").await?;
    for (name, frames, message) in [
        ("audio in one frame", vec![build(BINARY, &[0; 320], MASK)], "AudioAdded"),
        ("audio of 70,000 bytes", vec![build(BINARY, &vec![0; 70_000], MASK)], "AudioAdded"),
        (
            "audio in fragments with a ping between",
            vec![
                raw(BINARY, 4, &[0; 4], MASK),
                build(PING, b"x", MASK),
                raw(0x80 | CONTINUATION, 4, &[0; 4], MASK),
                build(BINARY, &[0; 4], MASK),
            ],
            "AudioAdded",
        ),
        (
            "an empty frame, then audio",
            vec![build(BINARY, &[], MASK), build(BINARY, &[0; 4], MASK)],
            "AudioAdded",
        ),
    ] {
        for frame in &frames {
            session.send(frame).await;
        }
        trial.control(name, if session.until(message).await { Ok(()) } else { Err("it ended".to_owned()) });
    }
    Ok(())
}

/// Whether nothing more is heard, and the connection ends.
async fn is_over(session: &mut Session) -> bool {
    session.next().await.is_none()
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut add = |name: &str, frames: Vec<Vec<u8>>, codes: &'static [u16]| {
        cases.push((name.to_owned(), frames, codes))
    };
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        add(&format!("opcode {opcode}"), vec![build(opcode, b"x", MASK)], PROTOCOL);
    }
    for (name, bits) in [("RSV1", 0x40), ("RSV2", 0x20), ("RSV3", 0x10), ("all reserved bits", 0x70)] {
        add(&format!("{name} on audio"), vec![raw(0x80 | bits | BINARY, 1, b"x", MASK)], PROTOCOL);
        add(&format!("{name} on text"), vec![raw(0x80 | bits | TEXT, 2, b"{}", MASK)], PROTOCOL);
        add(&format!("{name} on a ping"), vec![raw(0x80 | bits | PING, 1, b"x", MASK)], PROTOCOL);
    }
    for opcode in [TEXT, BINARY, PING, PONG, CLOSE] {
        add(&format!("opcode {opcode} without a mask"), vec![build(opcode, b"", None)], PROTOCOL);
        add(
            &format!("opcode {opcode} without a mask, with bytes"),
            vec![build(opcode, b"\x03\xe8", None)],
            PROTOCOL,
        );
    }
    for opcode in [PING, PONG, CLOSE] {
        add(&format!("control {opcode} in fragments"), vec![raw(opcode, 2, b"\x03\xe8", MASK)], PROTOCOL);
        add(&format!("control {opcode} of 126 bytes"), vec![build(opcode, &[3; 126], MASK)], PROTOCOL);
        add(
            &format!("control {opcode} of 70,000 bytes"),
            vec![build(opcode, &vec![3; 70_000], MASK)],
            PROTOCOL,
        );
        add(
            &format!("control {opcode} of 2^62 bytes"),
            vec![raw(0x80 | opcode, 1 << 62, b"x", MASK)],
            PROTOCOL,
        );
    }
    add("a continuation of nothing", vec![raw(0x80 | CONTINUATION, 1, b"x", MASK)], PROTOCOL);
    add("a continuation of nothing, open", vec![raw(CONTINUATION, 1, b"x", MASK)], PROTOCOL);
    for (first, second) in [(TEXT, TEXT), (TEXT, BINARY), (BINARY, TEXT), (BINARY, BINARY)] {
        add(
            &format!("a message {second} inside a message {first}"),
            vec![raw(first, 1, b"x", MASK), build(second, b"x", MASK)],
            PROTOCOL,
        );
    }
    // Lengths that are longer than they need to be, and lengths that no memory has.
    let long_form = |first: u8, code: u8, length: &[u8]| {
        [&[first, 0x80 | code], length, &[0_u8; 4], b"x".as_slice()].concat()
    };
    add("one byte in 16 bits of length", vec![long_form(0x80 | BINARY, 126, &1_u16.to_be_bytes())], PROTOCOL);
    add("one byte in 64 bits of length", vec![long_form(0x80 | BINARY, 127, &1_u64.to_be_bytes())], PROTOCOL);
    add(
        "125 bytes in 16 bits of length",
        vec![long_form(0x80 | BINARY, 126, &125_u16.to_be_bytes())],
        PROTOCOL,
    );
    add(
        "65,535 bytes in 64 bits of length",
        vec![long_form(0x80 | BINARY, 127, &65_535_u64.to_be_bytes())],
        PROTOCOL,
    );
    for (name, length) in [
        ("2^63", 1_u64 << 63),
        ("2^64 - 1", u64::MAX),
        ("2^63 - 1", (1 << 63) - 1),
        ("2^62", 1 << 62),
        ("2^40", 1 << 40),
        ("2^32", 1 << 32),
        ("2^31", 1 << 31),
        ("2^28", 1 << 28),
    ] {
        let codes: &[u16] = if length >> 63 == 1 { &[1002, 1009] } else { LARGE };
        add(&format!("audio of {name} bytes"), vec![raw(0x80 | BINARY, length, b"x", MASK)], codes);
        add(&format!("text of {name} bytes"), vec![raw(0x80 | TEXT, length, b"{", MASK)], codes);
        add(&format!("a fragment of {name} bytes"), vec![raw(BINARY, length, b"x", MASK)], codes);
    }
    for code in [0_u16, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        add(&format!("close code {code}"), vec![build(CLOSE, &code.to_be_bytes(), MASK)], &[]);
    }
    add("a close of one byte", vec![build(CLOSE, &[3], MASK)], PROTOCOL);
    add("a close whose reason isn't UTF-8", vec![build(CLOSE, b"\x03\xe8\xff\xfe", MASK)], &[]);
    cases
}
