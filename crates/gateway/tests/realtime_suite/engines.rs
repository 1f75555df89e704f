//! Engines that don't open a session: the client is told, and nothing of its own reaches them.

use std::time::Duration;

use futures_util::SinkExt as _;
use gateway::realtime::SessionTimes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

const GOOD_BUT_ACCEPT: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Whatever is no real `101` opens no tunnel: 503 by HTTP, `job_error` in-band; bytes that the client sent with its
/// request stay here.
#[tokio::test]
async fn answers_that_open_nothing() {
    let times = SessionTimes { engine_upgrade_max: Duration::from_millis(300), ..SessionTimes::default() };
    let world = World::with(Setup { times, ..Setup::default() }).await;
    let key = world.api_key().await;
    let token = world.temporary_key(&key);
    let long_head = format!("HTTP/1.1 101 Switching Protocols\r\nX: {}", "x".repeat(20_000));
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "garbage\r\n\r\n",
        GOOD_BUT_ACCEPT,
        &long_head,
        "",
    ] {
        let name = &answer[..answer.len().min(40)];
        let request = upgrade_request("/v2", &[("Authorization", &format!("Bearer {token}"))]) + "pipelined";
        let (refusal, ()) = tokio::join!(refused(world.eu1, &request), play(&world, answer));
        assert_eq!((refusal.status, refusal.body["reason"].as_str()), (503, Some("engine_down")), "{name}");

        let in_band = async {
            let (mut client, _) = connect(&world.url(&format!("?jwt={token}")), &[]).await.unwrap();
            client.send(Message::text(START)).await.unwrap();
            error_then_close(&mut client).await
        };
        let ((kind, _, code), ()) = tokio::join!(in_band, play(&world, answer));
        assert_eq!((kind.as_str(), code), ("job_error", 1011), "{name}");
        assert_eq!(world.gateway.sessions().count(), 0, "{name}");
    }
}

/// Answers one upgrade; an empty answer is none. Nothing but the request may come.
async fn play(world: &World, answer: &str) {
    let mut engine = world.engine.raw().await;
    assert!(read_head(&mut engine).await.starts_with("GET /v2"));
    engine.write_all(answer.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    // A reset counts as an end: the gateway hangs up with our answer unread.
    let _ = soon(engine.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
}

/// A late `101` opens as an early one does, and an engine that nobody is at is told at once.
#[tokio::test]
async fn late_and_absent_engines() {
    let world = World::new().await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    let engine = async {
        let stream = world.engine.raw().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        accept(stream).await
    };
    let url = world.url("");
    let headers = [("authorization", bearer.as_str())];
    let (client, (engine, request)) = tokio::join!(connect(&url, &headers), engine);
    let (mut client, response) = client.unwrap();
    let info = next_json(&mut client).await;
    Session { client, engine, request, response, info }.passes().await;

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::with_engine_at(nobody).await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    let answer = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
    assert_eq!((answer.status, answer.body["reason"].as_str()), (503, Some("engine_down")));
    assert!(answer.head.to_ascii_lowercase().contains("retry-after:"));
}

/// A client that hangs up while the engine is asked leaves no session and no place taken behind.
#[tokio::test]
async fn a_client_that_hangs_up_while_the_engine_is_asked() {
    let world = World::with(Setup { concurrent_sessions_max: 1, ..Setup::default() }).await;
    let key = world.api_key().await;
    let bearer = format!("Bearer {}", key.secret.expose());
    for _ in 0..3 {
        let mut client = TcpStream::connect(world.eu1).await.unwrap();
        client.write_all(upgrade_request("/v2", &[("Authorization", &bearer)]).as_bytes()).await.unwrap();
        let mut engine = world.engine.raw().await;
        read_head(&mut engine).await;
        drop(client);
        // The gateway hangs up here when it has noticed.
        let _ = soon(engine.read_u8()).await;
        // The place is free only after the engine's connection is gone, so that an engine never has more than the quota.
        soon(async {
            while world.gateway.sessions().places_taken() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    world.open(key.secret.expose()).await.passes().await;
}
