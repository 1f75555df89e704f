//! Signing keys, as holders of temporary keys notice them: not at all, unless one is revoked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use control::ControlConfig;
use serde_json::{Value, json};
use testkit::{Api, Caller, Mint, Process, Socket};
use voxgate::operator::{self, Place, SigningKeyCall};

use crate::common::with_jwt;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

async fn call(folder: &Path, call: SigningKeyCall) -> Value {
    operator::run(Place { control: ControlConfig::in_folder(folder) }, call.into()).await.unwrap()
}

async fn jwks(home: &Api) -> Vec<Value> {
    let answer = home.get("/.well-known/jwks.json", &Caller::anon()).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    answer.json()["keys"].as_array().unwrap().clone()
}

/// The kid in a token's header.
fn kid(token: &str) -> String {
    use base64::Engine as _;
    let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// A hundred rotations of a running server while clients mint and use temporary keys all the time: not one valid token is
/// refused, and every key that signed is in the key set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_rotations_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let (is_over, used) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = Vec::new();
    for _ in 0..2 {
        let (home, key) = (server.home(), server.key());
        let (is_over, used) = (Arc::clone(&is_over), Arc::clone(&used));
        clients.push(tokio::spawn(async move {
            let mut tokens: Vec<String> = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                tokens.push(Mint::of("batch").key(&home, &key).await);
                // The first, the last and one between: a minute is the shortest that they live.
                for index in [0, tokens.len() / 2, tokens.len() - 1] {
                    home.get("/v2/jobs", &Caller::temporary_key(&tokens[index])).await.expect(200);
                    used.fetch_add(1, Ordering::SeqCst);
                }
                if tokens.len() > 40 {
                    tokens.drain(..20);
                }
            }
            tokens
        }));
    }
    let mut kids = Vec::new();
    for _ in 0..100 {
        let rotated = call(folder.path(), SigningKeyCall::Rotate { now: true }).await;
        kids.push(rotated["kid"].as_str().unwrap().to_owned());
        let so_far = used.load(Ordering::SeqCst);
        while used.load(Ordering::SeqCst) < so_far + 6
            && !clients.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let shown: Vec<Value> = jwks(&server.home()).await;
    assert_eq!(shown.len(), 101);
    for client in clients {
        for token in client.await.unwrap() {
            assert!(shown.iter().any(|key| key["kid"] == kid(&token).as_str()));
        }
    }
    let fresh = Mint::of("batch").key(&server.home(), &server.key()).await;
    assert_eq!(kid(&fresh), kids[99]);
    assert!(server.terminate().await.0);
}

/// A rotation without haste publishes the next key and goes on signing with the present one; the commands say so.
#[tokio::test]
async fn a_rotation_publishes_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = server.home();
    let before = kid(&Mint::of("batch").key(&home, &server.key()).await);
    let next = call(folder.path(), SigningKeyCall::Rotate { now: false }).await;
    assert_eq!(next["state"], "published");
    assert!(next["signs_from"].is_string());
    assert_eq!(kid(&Mint::of("batch").key(&home, &server.key()).await), before);
    assert!(jwks(&home).await.iter().any(|key| key["kid"] == next["kid"]), "but everybody can fetch it");
    let listed = call(folder.path(), SigningKeyCall::List).await;
    let states: Vec<&Value> = listed.as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert_eq!(states, [&json!("signing"), &json!("published")]);
    assert!(server.terminate().await.0);
    let again = call(folder.path(), SigningKeyCall::List).await;
    assert_eq!(again, listed, "the same without a server");
}

/// A revoked signing key ends every token and every session of it at once, and nothing else; a new key signs.
#[tokio::test]
async fn a_revoked_signing_key_ends_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let (home, url) = (server.home(), server.report().realtime_url.clone());
    let bad = Mint::of("rt").key(&home, &server.key()).await;
    let bad_batch = Mint::of("batch").key(&home, &server.key()).await;
    call(folder.path(), SigningKeyCall::Rotate { now: true }).await;
    let good = Mint::of("rt").key(&home, &server.key()).await;
    assert_ne!(kid(&bad), kid(&good));
    let mut doomed = Socket::open(&with_jwt(&url, &bad), &Caller::anon()).await.unwrap();
    doomed.begin().await;
    let mut spared = Socket::open(&with_jwt(&url, &good), &Caller::anon()).await.unwrap();
    spared.begin().await;
    let mut by_key = Socket::open(&url, &server.key()).await.unwrap();
    by_key.begin().await;

    let revoked = domain::Kid::new(&kid(&bad));
    call(folder.path(), SigningKeyCall::Revoke { kid: revoked }).await;
    let (error, code) = doomed.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_authorised"), 4001), "{error}");
    assert!(error["reason"].as_str().unwrap().contains("credential_revoked"), "{error}");
    home.get("/v2/jobs", &Caller::temporary_key(&bad_batch)).await.expect_refusal(401, "token_invalid");
    for socket in [&mut spared, &mut by_key] {
        socket.send_audio(vec![0; 3200]).await;
        socket.until("AudioAdded").await;
    }
    assert!(!jwks(&home).await.iter().any(|key| key["kid"] == kid(&bad).as_str()));
    server.kill().await;
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = server.home();
    home.get("/v2/jobs", &Caller::temporary_key(&bad_batch)).await.expect_refusal(401, "token_invalid");
    let fresh = Mint::of("batch").key(&home, &server.key()).await;
    home.get("/v2/jobs", &Caller::temporary_key(&fresh)).await.expect(200);
    assert!(server.terminate().await.0);
}
