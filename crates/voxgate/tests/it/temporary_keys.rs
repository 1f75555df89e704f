//! Revoking temporary keys and end users, seen from the sockets that they have open.

use serde_json::{Value, json};
use testkit::{Api, Caller, Mint, Process, Server, Socket};

use crate::command::{binary, failed, json, ok, run, run_with, run_with_input};
use crate::common::{make_key, with_jwt};

const REVOKE: &str = "/v1/temporary-keys/revoke";
const READMIT: &str = "/v1/temporary-keys/readmit";

/// Mints for realtime: the jti and the key.
async fn mint(home: &Api, caller: &Caller, client_ref: Option<&str>) -> (String, String) {
    let mint = Mint::of("rt").with("client_ref", json!(client_ref));
    let answer = mint.ask(home, caller).await.expect(201);
    let jti = answer.header("temporary-key-id").to_owned();
    (jti, answer.json()["key_value"].as_str().unwrap().to_owned())
}

/// An open session of a temporary key.
async fn session(url: &str, key: &str) -> Socket {
    let mut socket = Socket::open(&with_jwt(url, key), &Caller::anon()).await.unwrap();
    socket.begin().await;
    still_works(&mut socket).await;
    socket
}

/// A session that still works: audio is acknowledged.
async fn still_works(socket: &mut Socket) {
    socket.send_audio(vec![0; 3200]).await;
    socket.until("AudioAdded").await;
}

/// The end of a session by revocation: `Error` `not_authorised`, then 4001.
async fn ends_by_revocation(socket: &mut Socket) {
    let (error, code) = socket.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_authorised"), 4001), "{error}");
    assert!(error["reason"].as_str().unwrap().contains("credential_revoked"), "{error}");
}

/// What a new session with the key comes to: the close code of its refusal.
async fn refused(url: &str, key: &str) -> u16 {
    let mut socket = Socket::open(&with_jwt(url, key), &Caller::anon()).await.unwrap();
    socket.start().await;
    socket.until_refused().await.1
}

/// Revoking a temporary key ends its open session and its future; its siblings and the API key live on.
#[tokio::test]
async fn a_revoked_temporary_key_is_dead() {
    let server = Server::start().await;
    let (home, url) = (server.home(), server.report().realtime_url.clone());
    let key = make_key(&server, json!({})).await;
    let (jti, doomed) = mint(&home, &key.caller(), None).await;
    let (_, by_value) = mint(&home, &key.caller(), None).await;
    let (_, spared) = mint(&home, &key.caller(), None).await;
    let mut first = session(&url, &doomed).await;
    let mut second = session(&url, &by_value).await;
    let mut other = session(&url, &spared).await;
    let path = format!("{REVOKE}?wait=enforced");
    let answer = home.post(&path, &key.caller(), &json!({"jti": jti})).await.expect(200);
    assert!(answer.header("voxgate-revision").parse::<u64>().is_ok(), "{:?}", answer.headers);
    assert_eq!(answer.json(), json!({"status": "OK", "enforced": ["local/a"], "pending": []}));
    ends_by_revocation(&mut first).await;
    home.post(REVOKE, &server.manager(), &json!({"key_value": by_value})).await.expect(200);
    ends_by_revocation(&mut second).await;
    still_works(&mut other).await;
    assert_eq!(refused(&url, &doomed).await, 4001);
    let (_, fresh) = mint(&home, &key.caller(), None).await;
    session(&url, &fresh).await;
    server.shutdown().await;
}

/// An end user who is shut out loses every open session and gets no key; others of the same API key lose nothing. Once
/// readmitted they get new keys, and the old ones stay dead.
#[tokio::test]
async fn an_end_user_is_shut_out_and_readmitted() {
    let server = Server::start().await;
    let (home, url) = (server.home(), server.report().realtime_url.clone());
    let key = server.key();
    let (_, old) = mint(&home, &key, Some("ann")).await;
    let (_, bob) = mint(&home, &key, Some("bob")).await;
    let (mut ann, mut again, mut bob) =
        (session(&url, &old).await, session(&url, &old).await, session(&url, &bob).await);
    home.post(REVOKE, &key, &json!({"client_ref": "ann"})).await.expect(200);
    ends_by_revocation(&mut ann).await;
    ends_by_revocation(&mut again).await;
    still_works(&mut bob).await;
    let mint_for_ann = Mint::of("rt").client_ref("ann");
    mint_for_ann.ask(&home, &key).await.expect_refusal(403, "client_ref_revoked");
    mint(&home, &key, Some("bob")).await;
    home.post(READMIT, &key, &json!({"client_ref": "ann"})).await.expect(200);
    home.post(READMIT, &key, &json!({"client_ref": "ann"})).await.expect_refusal(404, "not_found");
    let new = mint_for_ann.key(&home, &key).await;
    session(&url, &new).await;
    assert_eq!(refused(&url, &old).await, 4001, "a readmission revives nothing");
    server.shutdown().await;
}

/// The same by command, over the socket and from afar.
#[tokio::test]
async fn by_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let (home, url) = (server.home(), server.report().realtime_url.clone());
    let management_url = server.report().management_url.clone();
    let token = server.report().management_token.clone();
    let near = async |arguments: &[&str]| {
        run(&[&["temporary-keys"], arguments, &["--data-dir", dir]].concat()).await
    };
    let far = async |arguments: &[&str]| {
        let all = [&["temporary-keys"], arguments, &["--server", &management_url]].concat();
        run_with(&all, &[("VOXGATE_MANAGEMENT_TOKEN", &token)], "").await
    };
    let (jti, first) = mint(&home, &server.key(), None).await;
    let (second_jti, second) = mint(&home, &server.key(), None).await;
    let (mut one, mut two) = (session(&url, &first).await, session(&url, &second).await);
    let told = json(&near(&["revoke", &jti, "--json"]).await);
    assert_eq!((&told["temporary_key_id"], &told["enforced"]), (&json!(jti), &json!(["local/a"])));
    ends_by_revocation(&mut one).await;
    let told = json(&far(&["revoke", &second_jti, "--json"]).await);
    assert_eq!((&told["temporary_key_id"], &told["enforced"]), (&json!(second_jti), &json!(["local/a"])));
    ends_by_revocation(&mut two).await;

    let (_, third) = mint(&home, &server.key(), Some("ann")).await;
    let mut ann = session(&url, &third).await;
    let revoke = ["temporary-keys", "revoke", "--key", "-", "--data-dir", dir];
    let said = ok(&run_with_input(&revoke, &third).await);
    assert!(said.contains("revoked") && !said.contains(&third), "{said}");
    ends_by_revocation(&mut ann).await;
    ok(&far(&["revoke", "--client-ref", "ann"]).await);
    Mint::of("rt")
        .client_ref("ann")
        .ask(&home, &server.key())
        .await
        .expect_refusal(403, "client_ref_revoked");
    ok(&near(&["readmit", "--client-ref", "ann"]).await);
    assert!(failed(&near(&["readmit", "--client-ref", "ann"]).await).contains("not shut out"));
    assert!(failed(&far(&["readmit", "--client-ref", "ann"]).await).contains("not_found"));
    mint(&home, &server.key(), Some("ann")).await;

    assert_eq!(near(&["revoke"]).await.status.code(), Some(2));
    assert_eq!(near(&["revoke", &first]).await.status.code(), Some(2), "a key is no id");
    assert_eq!(near(&["revoke", &jti, "--client-ref", "ann"]).await.status.code(), Some(2));
    let log: Value = json(&run(&["audit", "list", "--json", "--data-dir", dir]).await);
    let done: Vec<&str> =
        log.as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect();
    for action in ["temporary_key_revoked", "client_ref_revoked", "client_ref_readmitted"] {
        assert!(done.contains(&action), "{done:?}");
    }
    assert!(server.terminate().await.0);
}
