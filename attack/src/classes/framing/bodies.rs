//! Chunks that some parsers forgive, and bodies that end too early.

use super::{Due, control, smuggled, try_bytes, usual};
use crate::Fault;
use crate::arena::Arena;
use crate::trial::Trial;

/// Bodies after `Transfer-Encoding: chunked`, none of them one.
const CHUNKS: &[&[u8]] = &[
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n",
    b"\t5\r\nhello\r\n0\r\n\r\n",
    b"5,\r\nhello\r\n0\r\n\r\n",
    b"5.0\r\nhello\r\n0\r\n\r\n",
    b"5_\r\nhello\r\n0\r\n\r\n",
    b"g\r\nhello\r\n0\r\n\r\n",
    b"\r\nhello\r\n0\r\n\r\n",
    b";x\r\nhello\r\n0\r\n\r\n",
    b"five\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    b"100000000000000000000005\r\nhello\r\n0\r\n\r\n",
    b"8000000000000005\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\rhello\r\n0\r\n\r\n",
    b"5\r\r\nhello\r\n0\r\n\r\n",
    b"5\n\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhello\r0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\r\nhelloX\r\n0\r\n\r\n",
    b"5\r\nhello\r\r0\r\n\r\n",
    b"5\r\nhello!!0\r\n\r\n",
    b"5\r\nhell\r\n0\r\n\r\n",
    b"5\r\nhello\r\n\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    b"5;\x01\r\nhello\r\n0\r\n\r\n",
    b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    b"5 ;a\nx\r\nhello\r\n0\r\n\r\n",
    b"5\x0b\r\nhello\r\n0\r\n\r\n",
    b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n",
    b"5\0\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\n\r\n",
    b"5\r\nhello\r\n0\r\r\n",
    b"5\r\nhello\r\n0\r\n\n",
    b"5\r\nhello\r\n0\r\nX\r\n\r\n",
    b"5\r\nhello\r\n0\r\nx : a\r\n\r\n",
    b"5\r\nhello\r\n0\r\n x: a\r\n\r\n",
    b"5\r\nhello\r\n0\r\nx: a\r\n b\r\n\r\n",
    b"5\r\nhello\r\n0\r\nx: a\n\r\n",
    b"5\r\nhello\r\n0\r\nx: \0\r\n\r\n",
    b"5\r\nhello\r\n0\r\n: a\r\n\r\n",
    b"5\r\nhello\r\n0\r\nx: a\rb\r\n\r\n",
    b"5\r\nhello\r\n0 \nx\r\n\r\n",
    b"\x00\r\nhello\r\n0\r\n\r\n",
];

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    for (index, chunks) in CHUNKS.iter().enumerate() {
        let case = format!("framing chunks {index}: {:?}", String::from_utf8_lossy(chunks));
        let known = format!("framing chunks {index}");
        let head =
            format!("POST /v2/jobs HTTP/1.1\r\n{}transfer-encoding: chunked\r\n\r\n", usual(arena, &known));
        let bytes = [head.as_bytes(), chunks, smuggled(arena, &known).as_bytes()].concat();
        try_known(arena, trial, &case, &known, &bytes).await;
    }
    for (index, chunks) in long().iter().enumerate() {
        let case = format!("framing long chunks {index}");
        let head =
            format!("POST /v2/jobs HTTP/1.1\r\n{}transfer-encoding: chunked\r\n\r\n", usual(arena, &case));
        let bytes = [head.as_bytes(), chunks, smuggled(arena, &case).as_bytes()].concat();
        try_bytes(arena, trial, &case, &bytes, Due::Broken).await;
    }
    let key = usual(arena, "control");
    let head = format!("POST /v2/jobs HTTP/1.1\r\n{key}transfer-encoding: chunked\r\n\r\n");
    for (name, body) in [
        ("an extension of a chunk", "5;name=value\r\nhello\r\n0\r\n\r\n"),
        ("sizes with zeros before, in capitals", "0005\r\nhello\r\n0A\r\n0123456789\r\n000\r\n\r\n"),
        ("trailers", "5\r\nhello\r\n0\r\nx-trailer: a\r\nvoxgate-project: 9\r\n\r\n"),
    ] {
        control(arena, trial, name, format!("{head}{body}").as_bytes(), &[201]).await;
    }
    Ok(())
}

/// The broken chunks once more, with another engine behind.
pub(super) async fn through(arena: &Arena, trial: &mut Trial, name: &str) {
    for (index, chunks) in CHUNKS.iter().enumerate() {
        let case = format!("{name} chunks {index}");
        let head =
            format!("POST /v2/jobs HTTP/1.1\r\n{}transfer-encoding: chunked\r\n\r\n", usual(arena, &case));
        let bytes = [head.as_bytes(), chunks, smuggled(arena, &case).as_bytes()].concat();
        try_known(arena, trial, &case, &case, &bytes).await;
    }
}

/// The case's long name may hold what a header can't.
async fn try_known(arena: &Arena, trial: &mut Trial, case: &str, known: &str, bytes: &[u8]) {
    let heard = crate::wire::exchange(arena.home(), bytes, crate::wire::Listen::ToTheEnd).await;
    trial.attack(case, super::judge(arena, known, &heard, Due::Broken));
}

/// Framing that never ends.
fn long() -> Vec<Vec<u8>> {
    vec![
        format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(20_000)).into_bytes(),
        format!("{}5\r\nhello\r\n0\r\n\r\n", "0".repeat(20_000)).into_bytes(),
        format!("5\r\nhello\r\n0\r\n{}\r\n", "x: y\r\n".repeat(10_000)).into_bytes(),
        format!("5\r\nhello\r\n0\r\nx: {}\r\n\r\n", "y".repeat(100_000)).into_bytes(),
    ]
}
