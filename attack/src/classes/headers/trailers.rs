//! Trusted names in trailers (CVE-2026-88004): all trailers end here, over both versions of HTTP.

use super::{FORGED, IDENTITY, truth};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, Reached};
use crate::trial::{Trial, Verdict};
use crate::wire::http2::{DATA, END_HEADERS, END_STREAM, Ended, HEADERS, Http2, block, frame};

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let others = [
        "authorization",
        "x-forwarded-for",
        "content-length",
        "transfer-encoding",
        "host",
        "cookie",
        "x-request-id",
    ];
    for name in IDENTITY.iter().copied().chain(others) {
        for announced in [false, true] {
            let case = format!("headers trailer {name}{}", if announced { ", announced" } else { "" });
            let trailer = if announced { format!("trailer: {name}\r\n") } else { String::new() };
            let bytes = format!(
                "POST /v2/jobs HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {}\r\n{trailer}te: trailers\r\n\
                 transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{name}: {FORGED}\r\n\r\n",
                arena.mine.key
            );
            let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
            let verdict = judge(arena, &case, answer.status == 201);
            trial.attack(&case, verdict);
        }
        let case = format!("headers trailer {name} over HTTP/2");
        let answered = over_http2(arena, &case, name).await;
        trial.attack(
            &case,
            judge(arena, &case, matches!(answered, Ended::Answered(201 | 400) | Ended::Reset)),
        );
    }
    let control = over_http2(arena, "trailers control", "x-checksum").await;
    trial.control(
        "an upload with a harmless trailer",
        if control == Ended::Answered(201) { Ok(()) } else { Err(format!("{control:?}")) },
    );
    Ok(())
}

fn judge(arena: &Arena, case: &str, answered: bool) -> Verdict {
    let reached: Vec<Reached> = arena.recorder.of(case);
    for one in &reached {
        if let Err(lie) = truth(arena, one) {
            return Verdict::Reached(lie);
        }
        // The recorder calls trailers a fault.
        if one.fault.is_some() || one.head.first("trailer").is_some() || one.head.first("te").is_some() {
            return Verdict::Reached(format!("{:?}", one.fault));
        }
    }
    Verdict::held_if(answered && reached.len() <= 1, || {
        format!("answered: {answered}, reached {} times", reached.len())
    })
}

async fn over_http2(arena: &Arena, case: &str, name: &str) -> Ended {
    let Ok(mut client) = Http2::connect(arena.home()).await else { return Ended::Silence };
    let authorization = format!("Bearer {}", arena.mine.key);
    let head = block(&[
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":authority", b"localhost"),
        (b":path", b"/v2/jobs"),
        (CASE.as_bytes(), case.as_bytes()),
        (b"te", b"trailers"),
        (b"authorization", authorization.as_bytes()),
    ]);
    client.send(&frame(HEADERS, END_HEADERS, 1, &head)).await;
    client.send(&frame(DATA, 0, 1, b"hello")).await;
    let trailers = block(&[(name.as_bytes(), FORGED.as_bytes())]);
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers)).await;
    client.ended(1).await
}
