//! Opening: wrong handshakes, extensions, pages of others, bytes before the 101.

use serde_json::json;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, TAG};
use crate::trial::{Trial, Verdict};
use crate::wire::frame::{self, build};
use crate::wire::session::{HANDSHAKE, MASK, START, Session};
use crate::wire::{Listen, exchange};

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    wrong(arena, trial).await;
    pages(arena, trial).await?;
    extensions(arena, trial).await;
    early(arena, trial).await;
    Ok(())
}

/// Handshakes that are none: 400, and the engine hears nothing.
async fn wrong(arena: &Arena, trial: &mut Trial) {
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (name, lines) in [
        ("no Upgrade", HANDSHAKE.replace("upgrade: websocket\r\n", "")),
        ("no Connection", HANDSHAKE.replace("connection: Upgrade\r\n", "")),
        ("Connection: close", HANDSHAKE.replace("connection: Upgrade", "connection: close")),
        ("no version", HANDSHAKE.replace("sec-websocket-version: 13\r\n", "")),
        ("version 0", HANDSHAKE.replace("version: 13", "version: 0")),
        ("version 7", HANDSHAKE.replace("version: 13", "version: 7")),
        ("version 130", HANDSHAKE.replace("version: 13", "version: 130")),
        ("version in words", HANDSHAKE.replace("version: 13", "version: thirteen")),
        ("two versions", HANDSHAKE.replace("version: 13", "version: 13, 8")),
        ("version twice", format!("{HANDSHAKE}sec-websocket-version: 13\r\n")),
        ("no key", HANDSHAKE.replace(key, "")),
        ("an empty key", HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "")),
        ("a short key", HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=")),
        ("a long key", HANDSHAKE.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZWRlZmdo")),
        ("a key without padding", HANDSHAKE.replace("bm9uY2U==", "").replace("ZQ==", "ZQ")),
        ("a key of other letters", HANDSHAKE.replace("dGhl", "!!!!")),
        ("two keys", format!("{HANDSHAKE}{key}")),
        ("h2c", HANDSHAKE.replace("upgrade: websocket", "upgrade: h2c")),
        ("a body", format!("{HANDSHAKE}content-length: 1\r\n")),
        ("chunks", format!("{HANDSHAKE}transfer-encoding: chunked\r\n")),
    ] {
        let case = format!("websocket handshake: {name}");
        let bytes = format!(
            "GET /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {}\r\n{lines}\r\nx",
            arena.mine.key
        );
        let heard = exchange(arena.home(), bytes.as_bytes(), Listen::ToTheEnd).await;
        let verdict = match arena.recorder.of(&case).first() {
            Some(_) => Verdict::Reached("the engine was asked".to_owned()),
            None => {
                Verdict::held_if(heard.statuses().first() == Some(&400), || format!("{:?}", heard.statuses()))
            }
        };
        trial.attack(&case, verdict);
    }
    for method in ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE"] {
        let case = format!("websocket handshake: {method}");
        let bytes = format!(
            "{method} /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {}\r\n{HANDSHAKE}\r\n",
            arena.mine.key
        );
        let heard = exchange(arena.home(), bytes.as_bytes(), Listen::ToTheEnd).await;
        let head = String::from_utf8_lossy(&heard.rest).into_owned();
        let status = heard.statuses().first().copied();
        let refused = status == Some(405) || method == "HEAD" && head.starts_with("HTTP/1.1 405");
        let verdict = match arena.recorder.of(&case).first() {
            Some(_) => Verdict::Reached("the engine was asked".to_owned()),
            None => Verdict::held_if(refused, || format!("{status:?} {head:.60}")),
        };
        trial.attack(&case, verdict);
    }
    let control = Session::with_header(arena.home(), &arena.mine.key).await;
    trial.control("a handshake", control.map(|_| ()).map_err(|answer| answer.shown()));
}

/// Cross-site: a key bound to a page opens from that page and from no other, however it is spelt.
async fn pages(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let token = arena.mint(&arena.mine.key, "rt", json!({"origins": ["https://app.example"]})).await?;
    let target = format!("/v2?jwt={token}");
    for origin in [
        "",
        "null",
        "https://evil.example",
        "http://app.example",
        "https://app.example:443",
        "https://app.example/",
        "https://app.example.evil.example",
        "https://evilapp.example",
        "https://APP.example",
        "https://app.example ,x",
        "https://app.example, https://evil.example",
        "https://evil.example#https://app.example",
        "app.example",
        "https://user@app.example",
        "https://app.example\u{a0}",
        "https://app%2eexample",
        "file://",
        "chrome-extension://app.example",
        "https://xn--pp-xia.example",
        "*",
        "https://app.example%00",
    ] {
        let case = format!("websocket page: {origin:?}");
        let known: String = case.chars().filter(char::is_ascii_graphic).collect();
        let lines = if origin.is_empty() { String::new() } else { format!("origin: {origin}\r\n") };
        let opened =
            Session::open(arena.home(), &target, &format!("{CASE}: {known}\r\n{lines}{HANDSHAKE}")).await;
        let verdict = match opened {
            Err(answer) => Verdict::held_if(answer.status == 400 || answer.status == 403, || answer.shown()),
            Ok(mut session) => {
                session.start().await;
                let ending = session.ending().await;
                Verdict::held_if(ending.code == 4003 && ending.kind == "not_allowed", || {
                    format!("{ending:?}")
                })
            }
        };
        let reached = arena.recorder.of(&known);
        trial.attack(
            &case,
            if reached.is_empty() { verdict } else { Verdict::Reached("the engine was asked".to_owned()) },
        );
    }
    let lines = format!("origin: https://app.example\r\n{HANDSHAKE}");
    let control = match Session::open(arena.home(), &target, &lines).await {
        Ok(mut session) => {
            session.start().await;
            if session.until("RecognitionStarted").await { Ok(()) } else { Err("it ended".to_owned()) }
        }
        Err(answer) => Err(answer.shown()),
    };
    trial.control("the page that the key is for", control);
    Ok(())
}

/// Compression is not negotiated, whatever is offered: there is nothing to blow up.
async fn extensions(arena: &Arena, trial: &mut Trial) {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover",
        "x-webkit-deflate-frame",
        "permessage-bzip2",
        "permessage-deflate, permessage-deflate",
        "foo",
        "permessage-deflate; client_max_window_bits=99",
    ] {
        let case = format!("websocket extension: {offer}");
        let bytes = format!(
            "GET /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {}\r\nsec-websocket-extensions: {offer}\r\n{HANDSHAKE}\r\n",
            arena.mine.key
        );
        let heard = exchange(arena.home(), bytes.as_bytes(), Listen::For(1)).await;
        let answer = heard.answers.first().cloned().unwrap_or_default();
        let offered =
            arena.recorder.of(&case).iter().any(|one| one.head.first("sec-websocket-extensions").is_some());
        let fine = answer.status == 101 && answer.header("sec-websocket-extensions").is_empty() && !offered;
        trial.attack(&case, Verdict::held_if(fine, || format!("{}, offered on: {offered}", answer.shown())));
    }
}

/// Frames that come before the 101: passed on once there is a real one, to nobody where there is none.
async fn early(arena: &Arena, trial: &mut Trial) {
    let hello = build(frame::TEXT, START, MASK);
    for status in ["200", "403", "404", "500"] {
        let case = format!("websocket early: the engine says {status}");
        let head = format!(
            "GET /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n{TAG}: upgrade-{status}\r\nauthorization: Bearer {}\r\n{HANDSHAKE}\r\n",
            arena.mine.key
        );
        let heard = exchange(arena.home(), &[head.as_bytes(), &hello].concat(), Listen::ToTheEnd).await;
        let frames: usize = arena.recorder.of(&case).iter().map(|one| one.frames.len()).sum();
        let verdict = if frames > 0 {
            Verdict::Reached(format!("{frames} frames"))
        } else {
            Verdict::held_if(heard.statuses() == [503] && heard.closed, || format!("{:?}", heard.statuses()))
        };
        trial.attack(&case, verdict);
    }
    let lines = format!("authorization: Bearer {}\r\n{HANDSHAKE}", arena.mine.key);
    let head = format!("GET /v2 HTTP/1.1\r\nhost: localhost\r\n{CASE}: early control\r\n{lines}\r\n");
    exchange(arena.home(), &[head.as_bytes(), &hello].concat(), Listen::ToTheEnd).await;
    let frames: usize = arena.recorder.of("early control").iter().map(|one| one.frames.len()).sum();
    trial.control(
        "a frame that comes with the handshake",
        if frames == 1 { Ok(()) } else { Err(format!("{frames} frames")) },
    );
}
