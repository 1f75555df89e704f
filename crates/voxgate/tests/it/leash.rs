//! The leash of temporary keys against the whole product: minted over HTTP, kept in sessions with the sandbox engine, and over
//! kills of the real binary.

use std::path::Path;

use serde_json::{Value, json};
use testkit::{Api, Caller, Event, Mint, Process, Server, Socket};

use crate::common::with_jwt;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// A second of audio in the form that `Socket::start` declares.
const SECOND_BYTES: usize = 32_000;

async fn mint(home: &Api, key: &Caller, field: &str, value: Value) -> Caller {
    Caller::temporary_key(&Mint::of("rt").with(field, value).key(home, key).await)
}

#[track_caller]
fn check(refusal: &(Value, u16), kind: &str, code: u16, reason: &str) {
    assert_eq!((refusal.0["type"].as_str(), refusal.1), (Some(kind), code), "{refusal:?}");
    assert!(refusal.0["reason"].as_str().unwrap().ends_with(&format!("({reason})")), "{refusal:?}");
}

/// How a session that is opened and started goes on: it begins, or is refused.
async fn started(url: &str, caller: &Caller) -> Result<Socket, (Value, u16)> {
    let mut socket = Socket::open(url, caller).await.expect("these limits are told in-band");
    socket.start().await;
    match socket.next().await {
        Event::Json(first) if first["message"] == "Info" => {
            socket.until("RecognitionStarted").await;
            Ok(socket)
        }
        Event::Json(error) => match socket.next().await {
            Event::Closed { code, .. } => Err((error, code)),
            other => panic!("waited for a close frame after {error}, got {other:?}"),
        },
        other => panic!("neither a session nor a refusal: {other:?}"),
    }
}

/// Each limit of the wrong form is 422 with the field's name, and so is one that the product can't have; in the right form it
/// is minted.
#[tokio::test]
async fn limits_are_checked_when_minting() {
    let server = Server::start().await;
    let home = server.home();
    let long = json!({"a": "x".repeat(505)});
    for (product, field, value) in [
        ("rt", "uses", json!(0)),
        ("rt", "uses", json!("1")),
        ("rt", "max_audio_seconds", json!(0)),
        ("rt", "max_audio_seconds", json!(1.5)),
        ("rt", "lock", json!([])),
        ("rt", "lock", json!("{}")),
        ("rt", "lock", long),
        ("batch", "uses", json!(1)),
        ("tts", "max_audio_seconds", json!(1)),
        ("batch", "lock", json!({})),
    ] {
        let asked = Mint::of(product).with(field, value.clone()).ask(&home, &server.key()).await;
        let refused = asked.expect_refusal(422, "invalid_value").json();
        assert!(refused["message"].as_str().unwrap().starts_with(field), "{field} {value}: {refused}");
    }
    let repeated = br#"{"ttl":60,"lock":{"transcription_config":{"language":"en","language":"de"}}}"#;
    let asked =
        home.send_bytes(http::Method::POST, "/v1/api_keys?type=rt", &server.key(), repeated.to_vec()).await;
    let refused = asked.expect_refusal(422, "invalid_value").json();
    assert!(refused["message"].as_str().unwrap().starts_with("lock"), "{refused}");
    for (field, value) in
        [("uses", json!(1)), ("max_audio_seconds", json!(1)), ("lock", json!({"transcription_config": {}}))]
    {
        Mint::of("rt").with(field, value).ask(&home, &server.key()).await.expect(201);
    }
    server.shutdown().await;
}

/// A start that differs from the lock ends with 4003 in both placements; one that keeps it is transcribed.
#[tokio::test]
async fn a_lock_is_kept() {
    let server = Server::start().await;
    let url = &server.report().realtime_url;
    let kept = json!({"transcription_config": {"language": "en"}});
    let broken = json!({"transcription_config": {"language": "de"}});
    started(url, &mint(&server.home(), &server.key(), "lock", kept).await).await.unwrap();
    let token = Mint::of("rt").with("lock", broken).key(&server.home(), &server.key()).await;
    for (url, caller) in
        [(url.clone(), Caller::temporary_key(&token)), (with_jwt(url, &token), Caller::anon())]
    {
        let mut socket = Socket::open(&url, &caller).await.unwrap();
        socket.start().await;
        check(&socket.until_refused().await, "not_allowed", 4003, "lock_broken");
    }
    server.shutdown().await;
}

/// Starts are counted before they are answered: after SIGKILL the key has exactly as many left, and no more after another.
#[tokio::test]
async fn uses_survive_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let key = mint(&server.home(), &server.key(), "uses", json!(3)).await;
    for start in 0..3 {
        let session = started(&server.report().realtime_url, &key).await;
        assert!(session.is_ok(), "start {start}");
        server.kill().await;
        server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    }
    for _ in 0..2 {
        let refusal = started(&server.report().realtime_url, &key).await.unwrap_err();
        check(&refusal, "quota_exceeded", 4005, "uses_spent");
        server.kill().await;
        server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    }
    let other = mint(&server.home(), &server.key(), "uses", json!(1)).await;
    assert!(started(&server.report().realtime_url, &other).await.is_ok());
    assert!(server.terminate().await.0);
}

/// Seconds of audio are counted over all sessions of a key: a warning at nine tenths, then 4006. What an orderly end leaves is
/// there after it; a kill gives nothing back that was heard.
#[tokio::test]
async fn audio_survives_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let key = mint(&server.home(), &server.key(), "max_audio_seconds", json!(60)).await;
    let mut session = started(&server.report().realtime_url, &key).await.unwrap();
    assert!(!hear(&mut session, 20).await);
    drop(session);
    assert!(server.terminate().await.0);

    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let mut session = started(&server.report().realtime_url, &key).await.unwrap();
    assert!(!hear(&mut session, 20).await);
    server.kill().await;

    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let mut session = started(&server.report().realtime_url, &key).await.unwrap();
    // 15 to 20 s are left.
    assert!(hear(&mut session, 15).await, "nine tenths are over");
    for _ in 0..6 {
        session.send_audio(vec![0; SECOND_BYTES]).await;
    }
    check(&session.until_refused().await, "timelimit_exceeded", 4006, "audio_spent");
    let refusal = started(&server.report().realtime_url, &key).await.unwrap_err();
    check(&refusal, "timelimit_exceeded", 4006, "audio_spent");
    assert!(server.terminate().await.0);
}

/// Sends so much audio and waits until the engine has taken it. Returns whether a warning came.
async fn hear(session: &mut Socket, seconds: u64) -> bool {
    for _ in 0..seconds {
        session.send_audio(vec![0; SECOND_BYTES]).await;
    }
    let mut warned = false;
    loop {
        match session.next().await {
            Event::Json(message) if message["message"] == "Warning" => warned = true,
            Event::Json(message) if message["message"] == "AudioAdded" => {
                if message["seq_no"] == seconds {
                    return warned;
                }
            }
            Event::Json(message) => assert_ne!(message["message"], "Error", "{message}"),
            other => panic!("the session ended: {other:?}"),
        }
    }
}
