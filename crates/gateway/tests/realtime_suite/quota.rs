//! How many sessions may be open at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::link::Change;
use domain::token::Claims;
use domain::{Clock as _, Leash, ManualClock, ProjectId, SystemClock};
use futures_util::SinkExt as _;
use futures_util::future::join_all;
use tokio_tungstenite::tungstenite::Message;

use super::world::*;

const QUOTA: u32 = 5;

/// Opens, sends a first frame, and tells which way it went: the session and its usage, or the refusal.
async fn try_open(url: &str, headers: &[(&str, &str)]) -> Result<(Ws, u64), (String, String, u16)> {
    let (mut client, _) = connect(url, headers).await.expect("the upgrade succeeds");
    client.send(Message::text(START)).await.unwrap();
    let first = next_json(&mut client).await;
    if first["message"] == "Info" {
        return Ok((client, first["usage"].as_u64().unwrap()));
    }
    let (code, _) = closed(&mut client).await;
    Err((first["type"].as_str().unwrap().to_owned(), first["reason"].as_str().unwrap().to_owned(), code))
}

/// An engine that opens whatever comes and echoes.
async fn echo(world: &World) {
    let sessions = futures_util::stream::FuturesUnordered::new();
    loop {
        let (ws, _) = world.engine.accept_when_it_comes().await;
        sessions.push(tokio::spawn(async move {
            use futures_util::StreamExt as _;
            let mut ws = ws;
            while let Some(Ok(message)) = ws.next().await {
                if !message.is_close() && ws.send(message).await.is_err() {
                    return;
                }
            }
        }));
    }
}

/// However many open at once, exactly as many as may be are let in; the others get 4005, in both placements; and a place
/// is free again as soon as its session has closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_as_may_be() {
    let world = World::with(Setup { concurrent_sessions_max: QUOTA, ..Setup::default() }).await;
    let key = world.api_key().await;
    let token = world.temporary_key(&key);
    let bearer = format!("Bearer {token}");
    let by_url = world.url(&format!("?jwt={token}"));
    let by_header = world.url("");
    let test = async {
        for _ in 0..3 {
            let headers = [("authorization", bearer.as_str())];
            let tries = (0..40).map(|index| match index % 2 {
                0 => try_open(&by_url, &[]),
                _ => try_open(&by_header, &headers),
            });
            let (opened, refused): (Vec<_>, Vec<_>) =
                join_all(tries).await.into_iter().partition(Result::is_ok);
            let usages: BTreeSet<u64> = opened.iter().map(|session| session.as_ref().unwrap().1).collect();
            assert_eq!(usages, (1..=u64::from(QUOTA)).collect(), "exactly one session of each number");
            assert_eq!((opened.len(), refused.len()), (QUOTA as usize, 40 - QUOTA as usize));
            for refusal in refused {
                let (kind, reason, code) = refusal.unwrap_err();
                assert_eq!((kind.as_str(), code), ("quota_exceeded", 4005));
                assert!(reason.starts_with("Concurrent Quota Exceeded"), "{reason}");
            }
            assert_eq!(world.sessions().await.len(), QUOTA as usize);
            // One place at a time: closed, and at once taken again.
            for session in opened {
                let (mut client, _) = session.unwrap();
                client.close(None).await.unwrap();
                while !next(&mut client).await.is_close() {}
                let (mut again, usage) = try_open(&by_url, &[]).await.expect("the place is free");
                assert_eq!(usage, u64::from(QUOTA));
                again.close(None).await.unwrap();
                while !next(&mut again).await.is_close() {}
                let (client, _) = try_open(&by_url, &[]).await.expect("the place is free");
                std::mem::forget(client);
            }
            let ids = world.sessions().await;
            for session in ids {
                world.gateway.sessions().end(world.workspace, session.session_id, "test");
            }
            while world.gateway.sessions().count() > 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::select! { () = echo(&world) => {}, () = test => {} }
}

/// Quotas are per project: another project's sessions take none of its places. A temporary key's `max_sessions` is its own.
#[tokio::test]
async fn projects_and_temporary_keys_have_their_own() {
    let world = World::with(Setup { concurrent_sessions_max: 2, ..Setup::default() }).await;
    let other = ProjectId::new(8);
    world.change(Change::Project { id: other, workspace_id: world.workspace }).await;
    let key = world.api_key().await;
    let others = world.api_key_with(|record| record.project_id = other).await;
    let claims = Claims { leash: Leash { max_sessions: Some(1), ..Leash::default() }, ..world.claims(&key) };
    let one_at_once = world.url(&format!("?jwt={}", world.sign(&claims)));
    let unlimited = world.url(&format!("?jwt={}", world.temporary_key(&key)));
    let bearer = format!("Bearer {}", others.secret.expose());
    let test = async {
        let (mut first, _) = try_open(&one_at_once, &[]).await.unwrap();
        let (kind, reason, code) = try_open(&one_at_once, &[]).await.unwrap_err();
        assert_eq!((kind.as_str(), code), ("quota_exceeded", 4005));
        assert!(reason.contains("temporary key"), "{reason}");
        // The refused one took no place of the project.
        let (_second, usage) = try_open(&unlimited, &[]).await.unwrap();
        assert_eq!(usage, 2);
        let (_, reason, _) = try_open(&unlimited, &[]).await.unwrap_err();
        assert!(reason.contains("2 of 2"), "{reason}");
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(try_open(&world.url(""), &headers).await.unwrap().1, 1);
        first.close(None).await.unwrap();
        while !next(&mut first).await.is_close() {}
        try_open(&one_at_once, &[]).await.unwrap();
    };
    tokio::select! { () = echo(&world) => {}, () = test => {} }
}

/// Sessions that are started too fast are refused before the engine is asked: by 429 that says when to come again, or in-band
/// with 4005. The ones before pass, those of another project, and the next a second later.
#[tokio::test]
async fn starts_have_a_rate() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let setup = Setup { starts_per_second_max: 1, clock: clock.clone(), ..Setup::default() };
    let world = World::with(setup).await;
    let key = world.api_key().await;
    let other = ProjectId::new(9);
    world.change(Change::Project { id: other, workspace_id: world.workspace }).await;
    let other = world.api_key_with(|record| record.project_id = other).await;
    let mut first = world.open(key.secret.expose()).await;

    let bearer = format!("Bearer {}", key.secret.expose());
    let refused = refused(world.eu1, &upgrade_request("/v2", &[("Authorization", &bearer)])).await;
    assert_eq!((refused.status, refused.body["reason"].as_str()), (429, Some("rate_limited")));
    assert!(refused.head.to_ascii_lowercase().contains("\r\nretry-after: "), "{}", refused.head);

    let (mut client, _) =
        connect(&world.url(&format!("?jwt={}", world.temporary_key(&key))), &[]).await.unwrap();
    client.send(Message::text(START)).await.unwrap();
    let (kind, reason, code) = error_then_close(&mut client).await;
    assert_eq!((kind.as_str(), code), ("quota_exceeded", 4005));
    assert!(reason.contains("rate_limited"), "{reason}");

    assert!(!world.engine.was_asked().await);
    first.passes().await;
    world.open(other.secret.expose()).await.passes().await;
    clock.advance_seconds(1);
    world.open(key.secret.expose()).await.passes().await;
}
