//! Revocation reaches open sessions, and only those that it concerns.

use domain::link::{Change, ToGateway};
use domain::token::Claims;
use domain::{Area, ClientRef, Clock as _, Product, ProductSet, SystemClock};
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::realtime::SessionTimes;
use gateway::realtime::frame::{Opcode, build, text};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

/// Half of many sessions are revoked: each of them gets `Error` and 4001, nothing that it sends afterwards reaches its
/// engine, nothing of its engine reaches it; the other half goes on.
#[tokio::test]
async fn half_of_the_sessions() {
    const PAIRS: usize = 20;
    let world = World::new().await;
    let (dying, living) = (world.api_key().await, world.api_key().await);
    let mut doomed = Vec::new();
    let mut others = Vec::new();
    for index in 0..PAIRS {
        let credential = |key: &Key| match index % 2 {
            0 => key.secret.expose().to_owned(),
            _ => world.temporary_key(key),
        };
        doomed.push(world.open(&credential(&dying)).await);
        others.push(world.open(&credential(&living)).await);
    }
    for session in doomed.iter_mut().chain(&mut others) {
        session.passes().await;
    }
    world.revoke(&dying).await;
    for session in &mut doomed {
        session.client.send(Message::binary("too late")).await.unwrap();
        // The engine's side may be closed already.
        let _ = session.engine.send(Message::text("too late")).await;
    }
    for session in &mut doomed {
        let (kind, reason, code) = error_then_close(&mut session.client).await;
        assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
        assert!(reason.contains("revoked"), "{reason}");
        assert_eq!(closed(&mut session.engine).await.0, 1001);
    }
    for session in &mut others {
        session.passes().await;
    }
    assert_eq!(world.sessions().await.len(), PAIRS);
}

/// Whatever is revoked, its sessions end, and the control beside it stays: the key, one temporary key, a client_ref, the
/// project, the workspace, a product, an area.
#[tokio::test]
async fn every_kind_of_revocation() {
    let world = World::new().await;
    let user = |name: &str| Some(ClientRef::new(name).unwrap());
    let key = world.api_key().await;
    let other_key = world.api_key().await;
    let doomed = Claims { client_ref: user("a"), ..world.claims(&key) };
    let same_ref = Claims { client_ref: user("a"), ..world.claims(&other_key) };
    let other_ref = Claims { client_ref: user("b"), ..world.claims(&key) };
    let lost = |edit: fn(&mut domain::link::KeyRecord)| {
        let mut record = key.record.clone();
        edit(&mut record);
        Change::Key(record)
    };
    let jti = Change::TemporaryKeyRevoked { id: doomed.id, forget_at: doomed.expires_at };
    let client_ref = Change::ClientRefRevoked { project_id: PROJECT, client_ref: user("a").unwrap() };
    // What happens, and which of the four sessions it ends: of the key, `doomed`, `same_ref`, `other_ref`; with which code.
    let cases = [
        (jti, [false, true, false, false], 4001),
        (client_ref, [false, true, true, false], 4001),
        (
            lost(|record| record.products = ProductSet::EMPTY.with(Product::Batch)),
            [true, true, false, true],
            4003,
        ),
        (lost(|record| record.areas = [Area::Au].into_iter().collect()), [true, true, false, true], 4003),
        (lost(|record| record.revoked_at = Some(SystemClock.now())), [true, true, false, true], 4001),
        (Change::ProjectDeleted { id: PROJECT }, [true; 4], 4001),
    ];
    for (change, ends, code) in cases {
        let world = World::new().await;
        // The same keys and tokens in a world of their own.
        world.change(Change::Key(key.record.clone())).await;
        world.change(Change::Key(other_key.record.clone())).await;
        let sign = |claims: &Claims| {
            let fresh = world.claims(&key);
            world.sign(&Claims { issuer: fresh.issuer, revision: fresh.revision, ..claims.clone() })
        };
        let credentials = [key.secret.expose().to_owned(), sign(&doomed), sign(&same_ref), sign(&other_ref)];
        let mut sessions = Vec::new();
        for credential in &credentials {
            sessions.push(world.open(credential).await);
        }
        world.change(change.clone()).await;
        for (session, ends) in sessions.iter_mut().zip(ends) {
            if ends {
                let (kind, _, got) = error_then_close(&mut session.client).await;
                let expected = if code == 4003 { "not_allowed" } else { "not_authorised" };
                assert_eq!((kind.as_str(), got), (expected, code), "{change:?}");
            } else {
                session.passes().await;
            }
        }
    }
    let mut session = world.open(key.secret.expose()).await;
    world.change(Change::WorkspaceClosed { id: world.workspace }).await;
    assert_eq!(error_then_close(&mut session.client).await.2, 4001);
}

/// Inside a message that the engine has not finished only the close frame goes out, and inside a frame nothing at all; a
/// small frame that came in part is not passed on in part, so that the client can be told.
#[tokio::test]
async fn inside_an_unfinished_message() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut fragment = text("an unfinished mess");
    fragment[0] &= 0x7f;
    let part = text("a whole message")[..7].to_vec();
    let large_part = build(Opcode::Text, &vec![b'x'; 100_000], None)[..30_000].to_vec();
    // What the engine has sent, what of it the client sees, and whether a close frame and an `Error` follow.
    for (sent, seen, closes, told) in [
        (fragment.clone(), fragment, true, false),
        (part, Vec::new(), true, true),
        (large_part.clone(), large_part, false, false),
    ] {
        let bearer = format!("Bearer {}", world.temporary_key(&key));
        let mut client = TcpStream::connect(world.eu1).await.unwrap();
        client.write_all(upgrade_request("/v2", &[("Authorization", &bearer)]).as_bytes()).await.unwrap();
        let (engine, _) = world.engine.accept().await;
        read_head(&mut client).await;
        let mut head = [0; 4];
        soon(client.read_exact(&mut head)).await.unwrap();
        let mut info = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        soon(client.read_exact(&mut info)).await.unwrap();
        let mut engine = engine.into_inner();
        engine.write_all(&sent).await.unwrap();
        let mut got = vec![0; seen.len()];
        soon(client.read_exact(&mut got)).await.unwrap();
        assert_eq!(got, seen);
        let id = world.sessions().await[0].session_id;
        assert!(world.gateway.sessions().end(world.workspace, id, "enough"));
        let mut rest = Vec::new();
        soon(client.read_to_end(&mut rest)).await.unwrap();
        let close = gateway::realtime::frame::close(4003, "not_allowed", None);
        assert_eq!((rest.ends_with(&close), rest.len() > close.len()), (closes, told), "{rest:?}");
        drop(engine);
        while world.gateway.sessions().count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// A client that doesn't read is reset after its time, and holds nothing up: the revocation itself returns at once.
#[tokio::test]
async fn a_client_that_does_not_read_is_reset() {
    let times = SessionTimes { linger_max: Duration::from_millis(100), ..SessionTimes::default() };
    let world = World::with(Setup { times, ..Setup::default() }).await;
    let key = world.api_key().await;
    let session = world.open(key.secret.expose()).await;
    let mut client = session.client.into_inner();
    let mut engine = session.engine;
    // Fills every buffer between engine and client.
    let message = build(Opcode::Binary, &vec![0; 1 << 20], None);
    let flood = tokio::spawn(async move {
        let engine = engine.get_mut();
        while engine.write_all(&message).await.is_ok() {}
    });
    while tokio::time::timeout(Duration::from_millis(50), client.readable()).await.is_err() {}
    world.revoke(&key).await;
    soon(flood).await.unwrap();
    assert_eq!(world.sessions().await.len(), 0);
    while world.gateway.sessions().tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut rest = Vec::new();
    let ended = soon(client.read_to_end(&mut rest)).await;
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

/// A key that expires ends its sessions at that moment; `end_at_expiry` ends a temporary key's with it, and without it they
/// stay.
#[tokio::test]
async fn expiry() {
    let world = World::new().await;
    let now = SystemClock.now();
    let short = world.api_key_with(|record| record.expires_at = Some(now.plus_seconds(2))).await;
    let long = world.api_key().await;
    let claims = Claims { expires_at: world.claims(&long).issued_at.plus_seconds(2), ..world.claims(&long) };
    let mut leashed =
        Claims { id: domain::TemporaryKeyId::generate(long.record.id, &domain::SystemRng), ..claims.clone() };
    leashed.leash.end_at_expiry = true;
    let mut dying = vec![
        world.open(short.secret.expose()).await,
        world.open(&world.temporary_key(&short)).await,
        world.open(&world.sign(&leashed)).await,
    ];
    let mut living = vec![world.open(long.secret.expose()).await, world.open(&world.sign(&claims)).await];
    for session in &mut dying {
        let (kind, reason, code) = error_then_close(&mut session.client).await;
        assert_eq!((kind.as_str(), code), ("not_authorised", 4001));
        assert!(reason.contains("expired"), "{reason}");
    }
    assert!(SystemClock.now() >= leashed.expires_at, "not before its time");
    for session in &mut living {
        session.passes().await;
    }
    // An expiry that is set later counts for sessions that are open already.
    let mut record = long.record.clone();
    record.expires_at = Some(SystemClock.now().plus_seconds(1));
    world.change(Change::Key(record)).await;
    for session in &mut living {
        assert_eq!(error_then_close(&mut session.client).await.2, 4001);
    }
}

/// An operator ends one session with a reason; another workspace can't.
#[tokio::test]
async fn an_operator_ends_a_session() {
    let world = World::new().await;
    let key = world.api_key().await;
    let mut ended = world.open(key.secret.expose()).await;
    let session_id = world.sessions().await[0].session_id;
    let mut other = world.open(key.secret.expose()).await;
    let stranger = domain::WorkspaceId::from_u128(99);
    let command =
        |workspace_id| ToGateway::EndSession { workspace_id, session_id, reason: "maintenance".to_owned() };
    world.tell(command(stranger)).await;
    assert_eq!(world.sessions().await.len(), 2);
    ended.passes().await;
    world.tell(command(world.workspace)).await;
    let (kind, reason, code) = error_then_close(&mut ended.client).await;
    assert_eq!((kind.as_str(), reason.as_str(), code), ("not_allowed", "maintenance", 4003));
    other.passes().await;
}

/// Sessions that are opened while their key is revoked never stay open, wherever the revocation falls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_and_revoking_at_once() {
    let world = World::new().await;
    for round in 0..40 {
        let key = world.api_key().await;
        let bearer = format!("Bearer {}", key.secret.expose());
        let url = world.url("");
        let headers = [("authorization", bearer.as_str())];
        let client = async {
            let Ok((mut client, _)) = connect(&url, &headers).await else { return };
            // Whatever comes, it must end.
            while let Some(Ok(_)) = soon(client.next()).await {}
        };
        let engine = async {
            loop {
                let (mut engine, _) = world.engine.accept_when_it_comes().await;
                while let Some(Ok(_)) = soon(engine.next()).await {}
            }
        };
        let revoking = async {
            for _ in 0..round * 20 {
                tokio::task::yield_now().await;
            }
            world.revoke(&key).await;
        };
        let both = async { tokio::join!(client, revoking) };
        tokio::select! { () = engine => {}, _ = both => {} }
        assert_eq!(world.gateway.sessions().count(), 0);
    }
}
