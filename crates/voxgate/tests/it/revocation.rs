//! Revocation reaches open sessions, and no others.

use serde_json::{Value, json};
use testkit::{Caller, Event, Mint, Server, Socket};

use crate::common::{make_key, make_key_in, make_project, revoke_key, with_jwt};

/// The end of a session by revocation: `Error` `not_authorised`, then 4001.
async fn ends_by_revocation(socket: &mut Socket) {
    let (error, code) = socket.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_authorised"), 4001), "{error}");
    assert!(error["reason"].as_str().unwrap().contains("credential_revoked"), "{error}");
}

/// A session that still works: audio is acknowledged.
async fn still_works(socket: &mut Socket) {
    socket.send_audio(vec![0; 3200]).await;
    socket.until("AudioAdded").await;
}

/// Revoking a key ends its sessions and those of the temporary keys that it minted, in every region, and no others.
#[tokio::test]
async fn revoking_a_key_ends_its_sessions() {
    let server = Server::start().await;
    let home = server.home();
    let areas = json!({"areas": ["eu", "usa"]});
    let key = make_key(&server, areas.clone()).await;
    let other = make_key(&server, areas).await;
    let token = Mint::of("rt").key(&home, &key.caller()).await;
    let us1 = server.report().regions["us1"].realtime_url.clone().unwrap();
    let eu1 = server.report().realtime_url.clone();
    let mut doomed = Vec::new();
    for url in [&eu1, &us1, &server.report().global_realtime_url] {
        let mut socket = Socket::open(url, &key.caller()).await.unwrap();
        socket.begin().await;
        doomed.push(socket);
        let mut socket = Socket::open(&with_jwt(url, &token), &Caller::anon()).await.unwrap();
        socket.begin().await;
        doomed.push(socket);
    }
    let mut spared = Socket::open(&eu1, &other.caller()).await.unwrap();
    spared.begin().await;
    for socket in doomed.iter_mut().chain([&mut spared]) {
        still_works(socket).await;
    }
    revoke_key(&home, &server.manager(), &key.id).await;
    for socket in &mut doomed {
        ends_by_revocation(socket).await;
    }
    still_works(&mut spared).await;
    server.shutdown().await;
}

/// Deleting a project ends the sessions of its keys.
#[tokio::test]
async fn deleting_a_project_ends_its_sessions() {
    let server = Server::start().await;
    let home = server.home();
    let project = make_project(&server, "short-lived").await;
    let key = make_key_in(&home, &server.manager(), project, json!({})).await;
    let mut doomed = Socket::open(&server.report().realtime_url, &key.caller()).await.unwrap();
    doomed.begin().await;
    let mut spared = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
    spared.begin().await;
    home.delete(&format!("/v1/projects/{project}"), &server.manager()).await.expect(204);
    ends_by_revocation(&mut doomed).await;
    still_works(&mut spared).await;
    server.shutdown().await;
}

/// Once a revocation is answered, not a byte of the session goes on: what the client sends after it is never answered.
#[tokio::test]
async fn nothing_is_forwarded_after_the_answer() {
    let server = Server::start().await;
    let key = make_key(&server, json!({})).await;
    let mut socket = Socket::open(&server.report().realtime_url, &key.caller()).await.unwrap();
    socket.begin().await;
    still_works(&mut socket).await;
    revoke_key(&server.home(), &server.manager(), &key.id).await;
    // The engine would acknowledge both.
    socket.try_send(&json!({"message": "EndOfStream", "last_seq_no": 1})).await;
    let mut seen: Vec<Value> = Vec::new();
    loop {
        match socket.next().await {
            Event::Json(value) => seen.push(value),
            Event::Bytes(_) => {}
            Event::Closed { code, .. } => {
                assert_eq!(code, 4001);
                break;
            }
            Event::Broken => panic!("no close frame after {seen:?}"),
        }
    }
    assert!(seen.iter().any(|message| message["message"] == "Error"), "{seen:?}");
    assert!(!seen.iter().any(|message| message["message"] == "EndOfTranscript"), "{seen:?}");
    server.shutdown().await;
}
