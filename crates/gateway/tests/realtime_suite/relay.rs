//! What passes between client and engine, what is put in, and how a session ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::ClientRef;
use domain::link::FromGateway;
use domain::token::Claims;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::world::*;

/// The first frame is ours, even where the engine speaks at once; it says how many sessions are open, of how many.
#[tokio::test]
async fn the_first_frame_tells_the_usage() {
    let world = World::with(Setup { concurrent_sessions_max: 5, ..Setup::default() }).await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    for usage in 1..=3 {
        let engine = async {
            let (mut engine, _) = world.engine.accept().await;
            engine.send(Message::text(r#"{"message":"RecognitionStarted"}"#)).await.unwrap();
            engine
        };
        let url = world.url("");
        let headers = [("authorization", bearer.as_str())];
        let (client, engine) = tokio::join!(connect(&url, &headers), engine);
        let (mut client, _) = client.unwrap();
        let info = next_json(&mut client).await;
        assert_eq!(info["type"], "concurrent_session_usage");
        assert_eq!((info["usage"].as_u64(), info["quota"].as_u64()), (Some(usage), Some(5)));
        assert_eq!(info["region"], "eu1");
        assert_eq!(next_json(&mut client).await["message"], "RecognitionStarted");
        // Sessions stay open to the end of the test.
        std::mem::forget((client, engine));
    }
}

/// Messages of every size pass unchanged in both directions, audio and text, pings and pongs too.
#[tokio::test]
async fn messages_pass_unchanged() {
    let world = World::new().await;
    let mut session = world.open(world.api_key().await.secret.expose()).await;
    for size in [0, 1, 125, 126, 4096, 16_384, 65_535, 65_536, 1_000_000] {
        let audio = Message::binary((0..size).map(|index| index as u8).collect::<Vec<_>>());
        let text = Message::text("x".repeat(size));
        for message in [audio, text] {
            let (sent, got) = tokio::join!(session.client.send(message.clone()), next(&mut session.engine));
            sent.unwrap();
            assert!(got == message, "{size} bytes to the engine");
            let (sent, got) = tokio::join!(session.engine.send(message.clone()), next(&mut session.client));
            sent.unwrap();
            assert!(got == message, "{size} bytes to the client");
        }
    }
    session.client.send(Message::Ping("up".into())).await.unwrap();
    assert_eq!(next(&mut session.engine).await, Message::Ping("up".into()));
    session.engine.flush().await.unwrap();
    assert_eq!(next(&mut session.client).await, Message::Pong("up".into()));
}

/// The engine hears who the client is from us alone: credentials and look-alikes stay here, its own token and the listed
/// headers come, and the query keeps everything but secrets.
#[tokio::test]
async fn what_the_engine_is_told() {
    let world = World::with(Setup { engine_base: "/base", ..Setup::default() }).await;
    let key = world.api_key().await;
    let client_ref = Some(ClientRef::new("user/ü 1").unwrap());
    let token = world.sign(&Claims { client_ref, ..world.claims(&key) });
    let headers = [
        ("authorization", "Bearer None"),
        ("x-request-id", "their-id"),
        ("user-agent", "their-agent"),
        ("voxgate-project", "999"),
        ("voxgate-workspace", "ws_x"),
        ("voxgate-key", "key_x"),
        ("voxgate-client-ref", "somebody else"),
        ("voxgate-region", "us1"),
        ("voxgate-request-id", "x"),
        ("voxgate_project", "999"),
        ("x-sm-processing-data", r#"{"parallel_engines":2,"user_id":"somebody else"}"#),
        ("cookie", "a=b"),
        ("x-forwarded-for", "192.0.2.1"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let rest = format!("/en?sm-sdk=python-1&jwt={token}&api_key=x&sm-app=a%20b?sm-sdk=rust-x");
    let mut session = world.open_at(&world.url(&rest), &headers).await;
    session.passes().await;
    let request = &session.request;
    assert_eq!(request.uri().to_string(), "/base/v2/en?sm-sdk=python-1&sm-app=a%20b?sm-sdk=rust-x");
    let header = |name: &str| {
        let values: Vec<_> = request.headers().get_all(name).iter().collect();
        assert!(values.len() < 2, "{name} stands once");
        values.first().map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("authorization").as_deref(), Some("Bearer engine-token"));
    assert_eq!(header("voxgate-project").as_deref(), Some("7"));
    assert_eq!(header("voxgate-workspace"), Some(world.workspace.to_string()));
    assert_eq!(header("voxgate-key"), Some(key.record.id.to_string()));
    assert_eq!(header("voxgate-client-ref").as_deref(), Some("user%2F%C3%BC%201"));
    assert_eq!(header("voxgate-region").as_deref(), Some("eu1"));
    let request_id = session.response.headers()["request-id"].to_str().unwrap().to_owned();
    assert_eq!(header("voxgate-request-id"), Some(request_id));
    assert_eq!(header("x-request-id").as_deref(), Some("their-id"));
    assert_eq!(header("user-agent").as_deref(), Some("their-agent"));
    let processing: serde_json::Value =
        serde_json::from_str(&header("x-sm-processing-data").unwrap()).unwrap();
    assert_eq!(processing["parallel_engines"], 2);
    assert_ne!(processing["user_id"], "somebody else");
    for name in ["voxgate_project", "cookie", "x-forwarded-for", "sec-websocket-extensions", "origin"] {
        assert_eq!(header(name), None, "{name}");
    }
    assert!(!session.response.headers().contains_key("sec-websocket-extensions"));
    assert!(!format!("{request:?}").contains(&token));
}

/// Bytes that a client sends together with its request reach the engine, whole, but only after the engine's 101.
#[tokio::test]
async fn pipelined_bytes_wait_for_the_101() {
    let world = World::new().await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    let mut request = upgrade_request("/v2", &[("Authorization", &bearer)]).into_bytes();
    let frame = gateway::realtime::frame::build(
        gateway::realtime::frame::Opcode::Text,
        START.as_bytes(),
        Some([1, 2, 3, 4]),
    );
    request.extend(&frame);
    let mut client = TcpStream::connect(world.eu1).await.unwrap();
    client.write_all(&request).await.unwrap();
    let mut engine = world.engine.raw().await;
    let asked = read_head(&mut engine).await;
    assert!(asked.starts_with("GET /v2 HTTP/1.1\r\n"));
    let mut byte = [0];
    // The gateway waits for an answer; it has had the client's frame from the beginning.
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), engine.read(&mut byte)).await.is_err(),
        "nothing comes before the answer"
    );
    let key = asked.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    engine.write_all(answer.as_bytes()).await.unwrap();
    let mut got = vec![0; frame.len()];
    soon(engine.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, frame);
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 101 "));
}

/// A client's close reaches the engine with its code and reason, and the engine's answer comes back.
#[tokio::test]
async fn the_client_closes() {
    let world = World::new().await;
    let mut session = world.open(world.api_key().await.secret.expose()).await;
    let bye = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    session.client.send(Message::Close(Some(bye.clone()))).await.unwrap();
    session.engine.send(Message::text("last words")).await.unwrap();
    assert_eq!(next(&mut session.engine).await, Message::Close(Some(bye)));
    session.engine.flush().await.ok();
    assert_eq!(next(&mut session.client).await, Message::text("last words"));
    assert_eq!(closed(&mut session.client).await.0, 1000);
    assert!(soon(session.engine.next()).await.is_none_or(|message| message.is_err()));
    assert_eq!(world.gateway.sessions().count(), 0);
}

/// An engine's close reaches the client with its code and reason, whatever the code; the engine gets an answer.
#[tokio::test]
async fn the_engine_closes() {
    let world = World::new().await;
    let key = world.api_key().await;
    for code in [1000, 1011, 4013] {
        let mut session = world.open(key.secret.expose()).await;
        session.engine.send(Message::text("last words")).await.unwrap();
        session.engine.close(Some(CloseFrame { code: code.into(), reason: "done".into() })).await.unwrap();
        assert_eq!(next(&mut session.client).await, Message::text("last words"));
        assert_eq!(closed(&mut session.client).await, (code, "done".to_owned()));
        assert_eq!(closed(&mut session.engine).await.0, code);
    }
    assert_eq!(world.gateway.sessions().count(), 0);
}

/// An engine that breaks off, or never answers a close, leaves nobody waiting: the client is told.
#[tokio::test]
async fn the_engine_disappears() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut session = world.open(key.secret.expose()).await;
    session.passes().await;
    drop(session.engine);
    let (kind, reason, code) = error_then_close(&mut session.client).await;
    assert_eq!((kind.as_str(), code), ("job_error", 1011));
    assert!(reason.contains("engine"), "{reason}");

    let mut session = world.open(key.secret.expose()).await;
    session.client.send(Message::Close(None)).await.unwrap();
    assert_eq!(next(&mut session.engine).await, Message::Close(None));
    drop(session.engine);
    while let Some(Ok(message)) = soon(session.client.next()).await {
        assert!(message.is_close());
    }
    assert_eq!(world.gateway.sessions().count(), 0);
}

/// A client that breaks off: the engine gets a close, so that it can stop.
#[tokio::test]
async fn the_client_disappears() {
    let world = World::new().await;
    let mut session = world.open(world.api_key().await.secret.expose()).await;
    session.passes().await;
    drop(session.client);
    assert_eq!(closed(&mut session.engine).await.0, 1001);
    assert_eq!(world.gateway.sessions().count(), 0);
}

/// A client that doesn't read stops the engine's sending, at what sockets hold, and loses nothing when it reads again. The
/// same the other way round.
#[tokio::test]
async fn a_slow_reader_slows_its_sender_down() {
    const MESSAGE_BYTES: usize = 64 * 1024;
    const MESSAGES: u64 = 4096;
    let world = World::new().await;
    let mut session = world.open(world.api_key().await.secret.expose()).await;
    for down in [true, false] {
        let (mut from, mut to) =
            if down { (session.engine, session.client) } else { (session.client, session.engine) };
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let sender = tokio::spawn(async move {
            for index in 0..MESSAGES {
                let mut message = vec![0; MESSAGE_BYTES];
                message[..8].copy_from_slice(&index.to_be_bytes());
                from.send(Message::binary(message)).await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
            }
            from
        });
        // Sockets take what they take; then nothing moves. If it only pauses here, the assertion holds all the more.
        let mut before = u64::MAX;
        while before != sent.load(Ordering::SeqCst) {
            before = sent.load(Ordering::SeqCst);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(before < MESSAGES / 2, "{before} of {MESSAGES} messages went into buffers");
        for index in 0..MESSAGES {
            let message = next(&mut to).await.into_data();
            assert_eq!((message.len(), &message[..8]), (MESSAGE_BYTES, &index.to_be_bytes()[..]));
        }
        let from = soon(sender).await.unwrap();
        (session.engine, session.client) = if down { (from, to) } else { (to, from) };
    }
}

/// Sessions are listed with what they have heard, and their audio, bytes and start are counted as usage.
#[tokio::test]
async fn sessions_are_listed_and_metered() {
    let world = World::new().await;
    let key = world.api_key().await;
    let claims = Claims { client_ref: Some(ClientRef::new("u1").unwrap()), ..world.claims(&key) };
    let mut session = world.open(&world.sign(&claims)).await;
    session.client.send(Message::text(START)).await.unwrap();
    session.client.send(Message::binary(vec![0; 48_000])).await.unwrap();
    next(&mut session.engine).await;
    next(&mut session.engine).await;
    // What is passed on is counted just after, on the session's own thread.
    let list = loop {
        let list = world.sessions().await;
        if list.iter().any(|session| session.audio_seconds >= 1.5 && session.received_bytes > 48_000) {
            break list;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].audio_seconds, 1.5);
    assert_eq!(list[0].temporary_key_id, Some(claims.id));
    assert_eq!(list[0].client_ref, claims.client_ref);
    assert!(list[0].received_bytes > 48_000);
    let mut audio_millis = 0;
    let mut sessions = 0;
    while audio_millis < 1500 || sessions < 1 {
        let records = world.hear(|message| match message {
            FromGateway::UsageBatch { records, .. } => Some(records),
            _ => None,
        });
        for record in records.await {
            assert_eq!((record.api_key_id, record.client_ref), (key.record.id, claims.client_ref.clone()));
            audio_millis += record.audio_millis;
            sessions += record.sessions;
        }
    }
    assert_eq!((audio_millis, sessions), (1500, 1));
}

/// Control is told when a session begins and how it ends, in numbered batches.
#[tokio::test]
async fn sessions_are_told_of() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut session = world.open(key.secret.expose()).await;
    session.passes().await;
    world.revoke(&key).await;
    assert_eq!(error_then_close(&mut session.client).await.2, 4001);
    let mut told = Vec::new();
    while told.len() < 2 {
        told.extend(
            world
                .hear(|message| match message {
                    FromGateway::SessionEvents { events, .. } => Some(events),
                    _ => None,
                })
                .await,
        );
    }
    assert_eq!(told[0].session_id, told[1].session_id);
    assert_eq!(
        (told[0].api_key_id, told[0].workspace_id, &told[0].end),
        (key.record.id, world.workspace, &None)
    );
    let end = told[1].end.as_ref().expect("it has ended");
    assert_eq!((end.kind.as_str(), end.close_code), ("not_authorised", Some(4001)));
    assert!(end.reason.as_ref().is_some_and(|reason| reason.contains("revoked")), "{end:?}");
}
