//! The `lock` of a temporary key, in front of an engine that notes what reaches it.

use domain::Leash;
use domain::token::Claims;
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::world::*;

const LOCK: &str = r#"{"transcription_config":{"language":"en"}}"#;

fn locked(world: &World, key: &Key) -> String {
    let leash = Leash { lock: Some(LOCK.to_owned()), ..Leash::default() };
    world.sign(&Claims { leash, ..world.claims(key) })
}

/// What the engine gets before its connection ends.
async fn heard(engine: &mut Ws) -> Vec<Message> {
    use futures_util::StreamExt as _;
    let mut heard = Vec::new();
    while let Some(Ok(message)) = soon(engine.next()).await {
        if !message.is_close() {
            heard.push(message);
        }
    }
    heard
}

fn start(config: &str) -> Message {
    Message::text(format!(r#"{{"message":"StartRecognition","transcription_config":{config}}}"#))
}

/// A `StartRecognition` that differs from the lock, or leaves it out, or could be read as differing, is refused with 4003 in
/// both placements, and the engine gets none of it; one that has the locked fields passes as it was sent, with all that follows.
#[tokio::test]
async fn a_lock_is_kept() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = locked(&world, &key);
    let by_url = world.url(&format!("?jwt={token}"));
    for broken in [
        start(r#"{"language":"de"}"#),
        start(r#"{"operating_point":"enhanced"}"#),
        start(r#"{"language":"de","language":"en"}"#),
        start(r#"{"language":"en","LANGUAGE":"de"}"#),
        Message::text(r#"{"message":"StartRecognition"}"#),
        Message::text("{"),
        Message::binary(START.as_bytes().to_vec()),
    ] {
        for mut session in [world.open(&token).await, world.open_at(&by_url, &[]).await] {
            session.client.send(broken.clone()).await.unwrap();
            let (kind, reason, code) = error_then_close(&mut session.client).await;
            assert_eq!((kind.as_str(), code), ("not_allowed", 4003), "{broken:?}");
            assert!(reason.ends_with("(lock_broken)"), "{reason}");
            assert_eq!(heard(&mut session.engine).await, [], "{broken:?}");
        }
    }
    let mut session = world.open(&token).await;
    let good = start(r#"{"language":"en","operating_point":"enhanced"}"#);
    session.client.send(good.clone()).await.unwrap();
    assert_eq!(next(&mut session.engine).await, good);
    session.passes().await;

    // Without a lock nobody looks.
    let mut free = world.open(&world.temporary_key(&key)).await;
    free.client.send(start(r#"{"language":"de","language":"en"}"#)).await.unwrap();
    assert_eq!(next(&mut free.engine).await, start(r#"{"language":"de","language":"en"}"#));
}

/// However the start is split into frames it is checked whole; a second start, and a message that sets the locked fields
/// anew, end the session before the engine sees them.
#[tokio::test]
async fn fragments_and_later_messages_are_checked() {
    let world = World::new().await;
    let key = world.api_key().await;
    let token = locked(&world, &key);
    let good = start(r#"{"language":"en"}"#);
    for later in [
        start(r#"{"language":"de"}"#),
        Message::text(r#"{"message":"SetRecognitionConfig","transcription_config":{"language":"de"}}"#),
    ] {
        let mut session = world.open(&token).await;
        let text = good.to_text().unwrap().as_bytes().to_vec();
        let (left, right) = text.split_at(20);
        let frame = |part: &[u8], opcode, last| {
            Message::Frame(Frame::message(part.to_vec(), OpCode::Data(opcode), last))
        };
        session.client.send(frame(left, Data::Text, false)).await.unwrap();
        session.client.send(Message::Ping("still here".into())).await.unwrap();
        session.client.send(frame(right, Data::Continue, true)).await.unwrap();
        assert_eq!(next(&mut session.engine).await, Message::Ping("still here".into()));
        assert_eq!(next(&mut session.engine).await, good);
        session.client.send(later.clone()).await.unwrap();
        let error = loop {
            // The engine's pong comes first.
            let message = next(&mut session.client).await;
            if message.is_text() {
                break message;
            }
        };
        assert!(error.to_text().unwrap().contains("not_allowed"), "{error}");
        assert_eq!(closed(&mut session.client).await.0, 4003);
        assert_eq!(heard(&mut session.engine).await, [], "{later:?}");
    }
}

/// A path that names another language than the locked one opens nothing; the locked one, and none, do.
#[tokio::test]
async fn a_path_keeps_the_locked_language() {
    let world = World::new().await;
    let token = locked(&world, &world.api_key().await);
    let (mut client, _) = connect(&world.url(&format!("/de?jwt={token}")), &[]).await.unwrap();
    client.send(Message::text(START)).await.unwrap();
    let (kind, _, code) = error_then_close(&mut client).await;
    assert_eq!((kind.as_str(), code), ("not_allowed", 4003));
    assert!(!world.engine.was_asked().await);
    let bearer = format!("Bearer {token}");
    for path in ["/en", "/en/", "/", "", "/agent"] {
        let mut session = world.open_at(&world.url(path), &[("authorization", &bearer)]).await;
        session.client.send(Message::text(START)).await.unwrap();
        assert_eq!(next(&mut session.engine).await, Message::text(START));
    }
}
