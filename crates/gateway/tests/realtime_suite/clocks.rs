//! The times of a session, shortened, and the end of the gateway itself.

use std::time::Duration;

use domain::Leash;
use domain::token::Claims;
use futures_util::SinkExt as _;
use gateway::GatewayLimits;
use gateway::realtime::SessionTimes;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

const SHORT: Duration = Duration::from_millis(300);

async fn ends_with(times: SessionTimes, keep_alive: Option<Message>) -> (String, String, u16) {
    let world = World::with(Setup { times, ..Setup::default() }).await;
    let session = world.open(world.api_key().await.secret.expose()).await;
    let (mut sender, receiver) = futures_util::StreamExt::split(session.client);
    let alive = tokio::spawn(async move {
        let Some(message) = keep_alive else { return };
        while sender.send(message.clone()).await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    });
    let mut receiver = receiver;
    let mut texts = Vec::new();
    let mut code = 0;
    use futures_util::StreamExt as _;
    while let Some(Ok(message)) = soon(receiver.next()).await {
        match message {
            Message::Text(text) => texts.push(text.to_string()),
            Message::Close(Some(frame)) => code = frame.code.into(),
            _ => {}
        }
    }
    alive.abort();
    drop(session.engine);
    let error: serde_json::Value = serde_json::from_str(texts.last().expect("an Error")).unwrap();
    (error["type"].as_str().unwrap().to_owned(), error["reason"].as_str().unwrap().to_owned(), code)
}

/// Without audio, ping or pong a session ends after its time; a ping keeps it, until it has gone too long without audio;
/// audio keeps it, until it has lasted as long as it may.
#[tokio::test]
async fn idle_and_long_sessions_end() {
    let times = SessionTimes::default();
    let (kind, _, code) = ends_with(SessionTimes { idle_silent_max: SHORT, ..times }, None).await;
    assert_eq!((kind.as_str(), code), ("idle_timeout", 1008));

    let both = SessionTimes { idle_silent_max: SHORT, idle_audio_max: SHORT * 3, ..times };
    let (kind, reason, code) = ends_with(both, Some(Message::Ping("".into()))).await;
    assert_eq!((kind.as_str(), code), ("idle_timeout", 1008));
    assert!(reason.contains("no audio"), "{reason}");

    let all = SessionTimes { session_max: SHORT * 4, ..both };
    let (kind, _, code) = ends_with(all, Some(Message::binary(vec![0; 10]))).await;
    assert_eq!((kind.as_str(), code), ("session_timeout", 1008));
}

/// `max_session_seconds` of a leash: a warning near the end, then the end.
#[tokio::test]
async fn a_leash_ends_a_session_after_a_warning() {
    let world = World::new().await;
    let key = world.api_key().await;
    let claims =
        Claims { leash: Leash { max_session_seconds: Some(1), ..Leash::default() }, ..world.claims(&key) };
    let mut session = world.open(&world.sign(&claims)).await;
    session.passes().await;
    let warning = next_json(&mut session.client).await;
    assert_eq!(
        (warning["message"].as_str(), warning["type"].as_str()),
        (Some("Warning"), Some("session_timeout"))
    );
    session.passes().await;
    let (kind, _, code) = error_then_close(&mut session.client).await;
    assert_eq!((kind.as_str(), code), ("session_timeout", 1008));
}

/// When the gateway stops, nothing new is opened, what is open may go on for its grace, and is then told and closed with
/// 1001.
#[tokio::test]
async fn the_gateway_stops() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut session = world.open(key.secret.expose()).await;
    let gateway = world.gateway.clone();
    let draining = tokio::spawn(async move { gateway.sessions().drain(SHORT).await });
    while !world.gateway.sessions().is_draining() {
        tokio::task::yield_now().await;
    }
    let bearer = format!("Bearer {}", key.secret.expose());
    let answer = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
    assert_eq!(answer.status, 503);
    session.passes().await;
    let (_, reason, code) = error_then_close(&mut session.client).await;
    assert_eq!(code, 1001);
    assert!(reason.contains("shutting down"), "{reason}");
    drop(session);
    soon(draining).await.unwrap();
    assert_eq!(world.gateway.sessions().tasks(), 0);
}

/// The times of plain connections are not those of sessions: one where nothing happens outlasts them.
#[tokio::test]
async fn sessions_outlast_plain_connections() {
    let limits = GatewayLimits { idle_seconds_max: 1, stall_seconds_max: 1, ..Setup::default().limits };
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    let mut session = world.open(world.api_key().await.secret.expose()).await;
    for _ in 0..2 {
        let mut plain = TcpStream::connect(world.eu1).await.unwrap();
        assert_eq!(soon(plain.read(&mut [0; 8])).await.unwrap_or_default(), 0, "it is hung up");
    }
    session.passes().await;
}
