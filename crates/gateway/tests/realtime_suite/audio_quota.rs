//! Quotas on the audio of sessions.

use domain::link::Change;
use domain::{Plan, PlanLimits, QuotaScope};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

/// A second of audio, as `START` declares it.
const SECOND_BYTES: usize = 32_000;
/// What a client sends at once.
const MESSAGE_BYTES: usize = 4000;

async fn set(world: &World, scope: QuotaScope, seconds: Option<u32>) {
    let change = Change::Quota { project_id: PROJECT, scope, audio_seconds_per_month_max: seconds };
    world.change(change).await;
}

/// Sends audio until the session is ended; gives how it ended, and the bytes that the engine got.
async fn drain(session: Session) -> ((String, String, u16), usize) {
    let Session { mut client, mut engine, .. } = session;
    client.send(Message::text(START)).await.unwrap();
    let heard = tokio::spawn(async move {
        let mut bytes = 0;
        while let Some(Ok(message)) = soon(engine.next()).await {
            if let Message::Binary(audio) = message {
                bytes += audio.len();
            }
        }
        bytes
    });
    let (mut sink, mut stream) = client.split();
    let sending = tokio::spawn(async move {
        // Ends when the session is over.
        while sink.send(Message::binary(vec![0; MESSAGE_BYTES])).await.is_ok() {}
    });
    let mut refusal = None;
    let ending = loop {
        match soon(stream.next()).await {
            Some(Ok(Message::Text(text))) => {
                let message: serde_json::Value = serde_json::from_str(&text).unwrap();
                if message["message"] == "Error" {
                    refusal = Some(message);
                }
            }
            Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
            Some(Ok(_)) => {}
            other => panic!("ended without a close frame: {other:?}"),
        }
    };
    drop(stream);
    sending.abort();
    let refusal = refusal.expect("an Error comes before the close frame");
    let text = |name: &str| refusal[name].as_str().unwrap().to_owned();
    ((text("type"), text("reason"), ending), heard.await.unwrap())
}

/// Sessions side by side never hear more together than their project's quota, to the byte; each is told why it ends, and the next
/// one is refused before the engine is asked. What another project does isn't counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_share_a_quota() {
    let world = World::new().await;
    let key = world.api_key().await;
    set(&world, QuotaScope::Project, Some(20)).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(world.open(key.secret.expose()).await);
    }
    let ended =
        futures_util::future::join_all(sessions.into_iter().map(|session| tokio::spawn(drain(session))))
            .await;
    let mut heard = 0;
    for one in ended {
        let ((kind, reason, code), bytes) = one.unwrap();
        assert_eq!((kind.as_str(), code), ("timelimit_exceeded", 4006));
        assert!(reason.contains("project") && reason.ends_with("(audio_spent)"), "{reason}");
        heard += bytes;
    }
    // Of the message in which a session ends an engine gets a part, which isn't seen here.
    assert!(heard <= 20 * SECOND_BYTES && heard + 4 * MESSAGE_BYTES > 20 * SECOND_BYTES, "{heard}");
    let (mut client, _) =
        connect(&world.url(""), &[("authorization", &format!("Bearer {}", key.secret.expose()))])
            .await
            .expect("it is told in-band");
    client.send(Message::text(START)).await.unwrap();
    let (kind, _, code) = error_then_close(&mut client).await;
    assert_eq!((kind.as_str(), code), ("timelimit_exceeded", 4006));
    assert!(!world.engine.was_asked().await);
    set(&world, QuotaScope::Project, Some(21)).await;
    let (_, bytes) = drain(world.open(key.secret.expose()).await).await;
    assert_eq!(bytes, SECOND_BYTES, "what is added is there, and not more");
}

/// Each kind of quota ends a session, the scarcest first, and says whose it is; a plan's counts for the whole workspace.
#[tokio::test]
async fn each_kind_of_quota_counts() {
    let world = World::new().await;
    let (key, other) = (world.api_key().await, world.api_key().await);
    set(&world, QuotaScope::ApiKey(key.record.id), Some(3)).await;
    set(&world, QuotaScope::EachClientRef, Some(2)).await;
    let limits = PlanLimits { audio_seconds_per_month_max: Some(7), ..Plan::Enterprise.default_limits() };
    world.change(Change::Workspace { id: world.workspace, limits }).await;
    let ann = world.sign(&domain::token::Claims {
        client_ref: Some(domain::ClientRef::new("ann").unwrap()),
        ..world.claims(&other)
    });
    for (credential, whose, seconds) in [
        (&ann[..], "client_ref", 2),
        (key.secret.expose(), "API key", 3),
        (other.secret.expose(), "workspace", 2),
    ] {
        let ((kind, reason, code), bytes) = drain(world.open(credential).await).await;
        assert_eq!((kind.as_str(), code), ("timelimit_exceeded", 4006));
        assert!(reason.contains(&format!("this {whose} has")), "{reason}");
        assert_eq!(bytes, seconds * SECOND_BYTES, "{whose}");
    }
}
