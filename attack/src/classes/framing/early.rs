//! Answers before the body was read (CVE-2025-4366): the rest of the body is never a request, neither here nor at the engine.

use super::{control, smuggled, usual};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, TAG};
use crate::trial::{Trial, Verdict};
use crate::wire::{Listen, exchange};

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    by_the_gateway(arena, trial).await;
    by_the_engine(arena, trial).await;
    let key = usual(arena, "control");
    let good = format!(
        "POST /v2/jobs HTTP/1.1\r\n{key}content-length: 5\r\n\r\nhelloPOST /v2/jobs HTTP/1.1\r\n{key}content-length: 5\r\n\r\nhello"
    );
    control(arena, trial, "two uploads on one connection", good.as_bytes(), &[201, 201]).await;
    Ok(())
}

/// The gateway refuses by the head alone; the body that follows is a request in disguise.
async fn by_the_gateway(arena: &Arena, trial: &mut Trial) {
    let bearer = |credential: &str| format!("authorization: Bearer {credential}\r\n");
    let routes = [
        ("no credential", "POST /v2/jobs", String::new(), 401),
        ("an unknown key", "POST /v2/jobs", bearer("vgk_unknown"), 401),
        ("two credentials", "POST /v2/jobs", bearer(&arena.mine.key).repeat(2), 400),
        ("an unknown path", "POST /v2/nowhere/x", bearer(&arena.mine.key), 404),
        ("a method that isn't there", "PATCH /v2/jobs", bearer(&arena.mine.key), 405),
        ("a mint without a credential", "POST /v1/api_keys?type=rt", String::new(), 401),
        ("a management call without one", "POST /v1/projects", String::new(), 401),
        ("a delete of another's job", "DELETE /v2/jobs/T", bearer(&arena.mine.key), 404),
        ("a body on a read", "GET /v2/jobs/T", bearer(&arena.mine.key), 404),
        ("a bad parameter", "GET /v2/jobs?limit=x", bearer(&arena.mine.key), 422),
    ];
    for (name, line, auth, expected) in routes {
        let line = line.replace("/T", &format!("/{}", arena.theirs.job));
        for framing in ["length", "a part of the length", "chunks"] {
            let case = format!("framing early: {name}, {framing}");
            let hidden = smuggled(arena, &case);
            let (field, body) = match framing {
                "length" => (format!("content-length: {}", hidden.len()), hidden.clone()),
                "a part of the length" => ("content-length: 100000".to_owned(), hidden.clone()),
                _ => (
                    "transfer-encoding: chunked".to_owned(),
                    format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len()),
                ),
            };
            let bytes = format!(
                "{line} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n{auth}{field}\r\n\r\n{body}{hidden}"
            );
            let heard = exchange(arena.home(), bytes.as_bytes(), Listen::ToTheEnd).await;
            let reached = arena.recorder.of(&format!("smuggled {case}"));
            let statuses = heard.statuses();
            let verdict = match reached.first() {
                Some(one) => Verdict::Reached(format!("{} {}", one.head.method, one.head.target)),
                None => {
                    // Whoever drained the body may answer the pipelined copy of the request, which has no credential.
                    let drained = framing != "a part of the length" && statuses == [expected, 401];
                    Verdict::held_if(statuses == [expected] || drained, || {
                        format!("expected {expected}, got {statuses:?}, closed: {}", heard.closed)
                    })
                }
            };
            trial.attack(&case, verdict);
        }
    }
}

/// The engine answers before it has read; the connection to it must not be used again.
async fn by_the_engine(arena: &Arena, trial: &mut Trial) {
    for status in ["400", "401", "413", "422", "429", "500", "503", "201"] {
        for framing in ["length", "chunks"] {
            let case = format!("framing engine says {status} early, {framing}");
            let body = "x".repeat(400_000);
            let (field, body) = match framing {
                "length" => (format!("content-length: {}", body.len()), body),
                _ => (
                    "transfer-encoding: chunked".to_owned(),
                    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
                ),
            };
            let head = usual(arena, &case);
            let bytes =
                format!("POST /v2/jobs HTTP/1.1\r\n{head}{TAG}: early-{status}\r\n{field}\r\n\r\n{body}");
            let heard = exchange(arena.home(), bytes.as_bytes(), Listen::For(1)).await;
            // Others whose requests would go over that connection.
            let mut others = Vec::new();
            for _ in 0..3 {
                others.push(
                    arena.good_request(&arena.mine.key).with(CASE, "another").send(arena.home()).await.status,
                );
            }
            let answered = heard.statuses().first().is_some_and(|status| *status >= 400 || *status == 201);
            let fine = answered && others.iter().all(|status| *status == 200);
            // What came behind the body is looked at once the engine has listened long enough: see `judge_strays`.
            trial
                .attack(&case, Verdict::held_if(fine, || format!("{:?}, then {others:?}", heard.statuses())));
        }
    }
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
}
