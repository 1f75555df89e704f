//! Around `Upgrade` (CVE-2026-2833): what comes before a real 101 is nobody's request, and nothing of it goes further.

use super::{control, smuggled, usual};
use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, TAG};
use crate::trial::{Trial, Verdict};
use crate::wire::{Listen, exchange};

/// What a client must send to open a WebSocket.
const HANDSHAKE: &str = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let job = &arena.mine.job;
    // The engine answers otherwise than by 101; nothing behind the upgrade may be answered or passed on.
    for status in ["200", "204", "301", "400", "401", "403", "404", "426", "500", "503", "101"] {
        let tag = format!("{TAG}: upgrade-{status}\r\n");
        let case = format!("framing upgrade, engine says {status}");
        let bytes = format!(
            "GET /v2 HTTP/1.1\r\n{}{HANDSHAKE}{tag}\r\n{}",
            usual(arena, &case),
            smuggled(arena, &case)
        );
        try_one(arena, trial, &case, bytes.as_bytes(), &[503], true).await;
    }
    // Upgrades that are none, on every kind of path, each with a request behind it.
    for (name, line, more, expected) in [
        (
            "no key",
            "GET /v2",
            "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n".to_owned(),
            &[400][..],
        ),
        ("version 8", "GET /v2", HANDSHAKE.replace("13", "8"), &[400]),
        ("a body", "GET /v2", format!("{HANDSHAKE}content-length: 5\r\n"), &[400]),
        ("chunks", "GET /v2", format!("{HANDSHAKE}transfer-encoding: chunked\r\n"), &[400]),
        ("POST", "POST /v2", HANDSHAKE.to_owned(), &[405]),
        ("on the Jobs API", "GET /v2/jobs", HANDSHAKE.to_owned(), &[200]),
        ("on an unknown path", "GET /v2/nowhere/x/y", HANDSHAKE.to_owned(), &[404]),
        ("on the management API", "GET /v1/projects", HANDSHAKE.to_owned(), &[401]),
        ("on the portal", "GET /", HANDSHAKE.to_owned(), &[200, 303]),
        (
            "h2c",
            "GET /v2",
            "upgrade: h2c\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
                .to_owned(),
            &[400],
        ),
        ("another protocol", "GET /v2", HANDSHAKE.replace("upgrade: websocket", "upgrade: foo"), &[400]),
        ("without Connection", "GET /v2", HANDSHAKE.replace("connection: Upgrade\r\n", ""), &[400]),
        (
            "two keys",
            "GET /v2",
            format!("{HANDSHAKE}sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            &[400],
        ),
        (
            "a key that is too short",
            "GET /v2",
            HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
            &[400],
        ),
    ] {
        for hidden in [false, true] {
            let case = format!("framing upgrade {name}{}", if hidden { ", with early frames" } else { "" });
            let behind = if hidden { "\u{1}\u{5}hello".to_owned() } else { String::new() };
            let rest = usual(arena, &format!("{case}, itself"));
            let bytes = format!("{line} HTTP/1.1\r\n{rest}{more}\r\n{behind}{}", smuggled(arena, &case));
            try_one(
                arena,
                trial,
                &case,
                bytes.as_bytes(),
                expected,
                name != "h2c" && name != "another protocol",
            )
            .await;
        }
    }
    // Refused credentials, with a request behind.
    for (name, credential, expected) in [
        ("none", "", 401),
        ("unknown", "vgk_unknown", 401),
        ("of management", arena.mine.manager.as_str(), 401),
    ] {
        let case = format!("framing upgrade with a credential: {name}");
        let head = format!("GET /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n");
        let auth = if credential.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {credential}\r\n")
        };
        let bytes = format!("{head}{auth}{HANDSHAKE}\r\n{}", smuggled(arena, &case));
        try_one(arena, trial, &case, bytes.as_bytes(), &[expected], true).await;
    }
    let key = usual(arena, "control");
    control(
        arena,
        trial,
        "an upgrade",
        format!("GET /v2 HTTP/1.1\r\n{key}{HANDSHAKE}\r\n").as_bytes(),
        &[101],
    )
    .await;
    let plain = format!("GET /v2/jobs/{job} HTTP/1.1\r\n{key}\r\nGET /v2 HTTP/1.1\r\n{key}{HANDSHAKE}\r\n");
    control(arena, trial, "a read, then an upgrade", plain.as_bytes(), &[200, 101]).await;
    Ok(())
}

async fn try_one(arena: &Arena, trial: &mut Trial, case: &str, bytes: &[u8], expected: &[u16], one: bool) {
    let heard = exchange(arena.home(), bytes, Listen::ToTheEnd).await;
    let statuses = heard.statuses();
    let hidden = format!("smuggled {case}");
    let reached = arena.recorder.of(&hidden);
    let verdict = if let Some(first) = reached.first() {
        Verdict::Reached(format!("{} {}", first.head.method, first.head.target))
    } else {
        // What isn't a wish for a WebSocket is a request like any other: what stands behind it is judged by itself.
        let follows = !one && statuses.get(1).is_none_or(|status| *status >= 400);
        let fine = statuses.first().is_some_and(|status| expected.contains(status))
            && (statuses.len() == 1 && heard.closed || follows);
        Verdict::held_if(fine, || {
            format!("expected {expected:?}, got {statuses:?}, closed: {}", heard.closed)
        })
    };
    trial.attack(case, verdict);
}
