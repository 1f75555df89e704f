//! What is too large and what is too fast.

use serde_json::json;

use super::{Due, compare, judge, request};
use crate::Fault;
use crate::arena::recorder::CASE;
use crate::arena::{Arena, accepted};
use crate::trial::{Trial, Verdict};
use crate::wire::session::Session;

/// Requests that may pass before one is refused at one per second.
const BURST_MAX: usize = 200;

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    sizes(arena, trial).await;
    rates(arena, trial).await
}

async fn sizes(arena: &Arena, trial: &mut Trial) {
    let key = &arena.mine.key;
    for (surface, path, error) in [
        ("jobs", "/v2/jobs", "Malformed request"),
        ("management", "/v1/projects", "Malformed request"),
        ("mint", "/v1/api_keys", "Malformed request"),
    ] {
        for (name, line, more, status) in [
            ("a long URL", format!("GET {path}?x={}", "a".repeat(8192)), String::new(), 414),
            ("a long head", format!("GET {path}"), format!("x: {}\r\n", "a".repeat(33_000)), 431),
            ("many fields", format!("GET {path}"), "x: y\r\n".repeat(120), 431),
        ] {
            let case = format!("answers too_large: {name}, {surface}");
            let bytes = format!(
                "{line} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {key}\r\n{more}\r\n"
            );
            let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
            trial.attack(&case, judge(arena, &case, &answer, Due { status, error, reason: "too_large" }));
        }
    }
    for (surface, line, length, error) in [
        ("jobs", "POST /v2/jobs", (1_u64 << 30) + (2 << 20), "Malformed request"),
        ("jobs, 10 GiB", "POST /v2/jobs", 10 << 30, "Malformed request"),
        ("speech", "POST /generate/sarah", (1 << 20) + 1, "Malformed request"),
        ("management", "POST /v1/projects", 10 << 30, "Payload Too Large"),
        ("mint", "POST /v1/api_keys?type=rt", 10 << 30, "Payload Too Large"),
    ] {
        let case = format!("answers too_large: a body, {surface}");
        let credential = if surface == "management" { &arena.mine.manager } else { key };
        let bytes = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {credential}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        let answer = crate::wire::ask(arena.home(), bytes.as_bytes()).await;
        trial.attack(&case, judge(arena, &case, &answer, Due { status: 413, error, reason: "too_large" }));
    }
}

async fn rates(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let slow = arena.workspace("slow").await?;
    let (_, key) = arena.key_in(&slow, json!({})).await?;
    let body = json!({"limits": {"reads_per_second_max": 1, "creates_per_second_max": 1, "mints_per_second_max": 1}});
    let path = format!("/v1/workspaces/{}", slow.workspace_id);
    arena.manage(&arena.operator, "PATCH", &path, Some(&body), 200).await?;
    for (surface, method, path, body, error) in [
        ("jobs, reads", "GET", "/v2/jobs", None, "Max concurrent running jobs exceeded"),
        ("jobs, creates", "POST", "/v2/jobs", Some(json!({})), "Max concurrent running jobs exceeded"),
        ("mint", "POST", "/v1/api_keys?type=rt", Some(json!({"ttl": 60})), "Too Many Requests"),
    ] {
        let case = format!("answers rate_limited: {surface}");
        let asked = request(method, path, &key, "a burst");
        let asked = body.iter().fold(asked, |asked, body| asked.json(body));
        let first = asked.send(arena.home()).await;
        trial.control(
            format!("the first of {surface}"),
            accepted(&first, if method == "GET" { 200 } else { 201 }),
        );
        let mut last = first;
        for _ in 0..BURST_MAX {
            last = asked.send(arena.home()).await;
            if last.status == 429 {
                break;
            }
        }
        trial.attack(&case, compare(&last, Due { status: 429, error, reason: "rate_limited" }));
    }
    let mut last = None;
    for _ in 0..BURST_MAX {
        match Session::with_header(arena.home(), &key).await {
            Ok(_) => {}
            Err(answer) => {
                last = Some(answer);
                break;
            }
        }
    }
    let verdict = match last {
        None => Verdict::Otherwise("no session was refused".to_owned()),
        Some(answer) => {
            let error = "Max concurrent running jobs exceeded";
            compare(&answer, Due { status: 429, error, reason: "rate_limited" })
        }
    };
    trial.attack("answers rate_limited: realtime, header", verdict);
    Ok(())
}
