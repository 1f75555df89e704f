//! The rows of the answers table about the credential itself, on every surface that they name.

use std::sync::Arc;

use credentials::{Shape, classify};
use serde_json::json;
use testkit::{Caller, Mint, Server, Socket, TestClock};
use voxgate::dev::DevOptions;

use crate::common::{make_key, make_key_in, make_project, revoke_key, with_jwt};

/// A credential that every surface refuses with 401, or 4001 in the URL.
struct Bad {
    what: &'static str,
    credential: String,
    reason: &'static str,
}

fn bad(what: &'static str, credential: impl Into<String>, reason: &'static str) -> Bad {
    Bad { what, credential: credential.into(), reason }
}

/// Tries a credential everywhere. Management tokens alone are credentials of the management API, so everything else is
/// an unknown one there.
async fn refused_everywhere(server: &Server, bad: &Bad) {
    let caller = Caller::Bearer(bad.credential.clone());
    let home = server.home();
    Mint::of("rt").ask(&home, &caller).await.expect_refusal(401, bad.reason);
    for path in
        ["/v2/jobs", "/v2/jobs/", "/v2/jobs/abcdefghij", "/v2/jobs/abcdefghij/transcript", "/v2/usage"]
    {
        let answer = home.get(path, &caller).await.expect_refusal(401, bad.reason);
        assert_eq!(answer.json()["error"], "Permission Denied", "{}: {path}", bad.what);
    }
    home.create_job(&caller).await.expect_refusal(401, bad.reason);
    home.get("/v1/projects", &caller).await.expect(401);

    let refused = Socket::open(&server.report().realtime_url, &caller).await.expect_err(bad.what);
    assert_eq!((refused.status, refused.body["reason"].as_str()), (401, Some(bad.reason)), "{}", bad.what);

    let url = with_jwt(&server.report().realtime_url, &bad.credential);
    let mut socket = Socket::open(&url, &Caller::anon()).await.expect(bad.what);
    socket.start().await;
    let (error, code) = socket.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_authorised"), 4001), "{}: {error}", bad.what);
    // A long-lived key of our form is told as one in a URL, whoever made it: it is in a log now.
    let is_key = bad.reason == "credential_unknown" && classify(&bad.credential) == Shape::ApiKey;
    let reason = if is_key { "api_key_in_url" } else { bad.reason };
    assert!(error["reason"].as_str().unwrap().ends_with(&format!("({reason})")), "{}: {error}", bad.what);
}

/// The control of every refusal here: the ready key is let in everywhere.
async fn ready_key_is_let_in(server: &Server) {
    Mint::of("rt").ask(&server.home(), &server.key()).await.expect(201);
    server.home().get("/v2/jobs", &server.key()).await.expect(200);
    server.home().get("/v1/projects", &server.manager()).await.expect(200);
    let mut socket = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
    socket.begin().await;
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    let url = with_jwt(&server.report().realtime_url, &token);
    Socket::open(&url, &Caller::anon()).await.unwrap().begin().await;
}

/// Without a credential, with what libraries send instead of none, or with an empty one: 401, and told as missing.
#[tokio::test]
async fn no_credential_is_missing_everywhere() {
    let server = Server::start().await;
    let headers = ["Bearer", "Bearer ", "Bearer None", "Bearer null", "bearer undefined", ""];
    let mut callers: Vec<Caller> = headers.map(|value| Caller::Headers(vec![value.to_owned()])).to_vec();
    callers.push(Caller::anon());
    for caller in callers {
        let home = server.home();
        Mint::of("rt").ask(&home, &caller).await.expect_refusal(401, "credential_missing");
        home.get("/v2/jobs", &caller).await.expect_refusal(401, "credential_missing");
        home.get("/v1/projects", &caller).await.expect_refusal(401, "credential_missing");
        let refused = Socket::open(&server.report().realtime_url, &caller).await.unwrap_err();
        assert_eq!((refused.status, refused.body["reason"].as_str()), (401, Some("credential_missing")));
    }
    ready_key_is_let_in(&server).await;
    server.shutdown().await;
}

/// Malformed, mistyped, cut short, of another kind, or made elsewhere: 401 everywhere.
#[tokio::test]
async fn unknown_and_forged_credentials_are_refused_everywhere() {
    let server = Server::start().await;
    let other = Server::start().await;
    let key = server.report().api_key.clone();
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    let foreign_token = Mint::of("rt").key(&other.home(), &other.key()).await;
    let parts: Vec<&str> = token.split('.').collect();
    let foreign_parts: Vec<&str> = foreign_token.split('.').collect();
    let mut mistyped = key.clone();
    let last = if mistyped.ends_with('a') { "b" } else { "a" };
    mistyped.replace_range(mistyped.len() - 1.., last);
    for bad in [
        bad("mistyped", mistyped, "credential_unknown"),
        bad("cut short", &key[..key.len() - 1], "credential_unknown"),
        bad("another instance's key", &other.report().api_key, "credential_unknown"),
        bad("an imported-looking key", "sk-0123456789abcdef", "credential_unknown"),
        bad("another instance's token", &foreign_token, "token_invalid"),
        bad(
            "another instance's signature",
            format!("{}.{}.{}", parts[0], parts[1], foreign_parts[2]),
            "token_invalid",
        ),
        bad(
            "another instance's claims",
            format!("{}.{}.{}", parts[0], foreign_parts[1], parts[2]),
            "token_invalid",
        ),
        bad("no signature", format!("{}.{}.", parts[0], parts[1]), "token_invalid"),
        // {"alg":"none","typ":"temporary-key+jwt"}
        bad(
            "alg none",
            format!("eyJhbGciOiJub25lIiwidHlwIjoidGVtcG9yYXJ5LWtleStqd3QifQ.{}.{}", parts[1], parts[2]),
            "token_invalid",
        ),
    ] {
        // A token without a signature may be told as no token at all; either way it is refused.
        if bad.what == "no signature" {
            server.home().get("/v2/jobs", &Caller::Bearer(bad.credential)).await.expect(401);
            continue;
        }
        refused_everywhere(&server, &bad).await;
    }
    ready_key_is_let_in(&server).await;
    server.shutdown().await;
    other.shutdown().await;
}

/// Another scheme, or a credential that can't be one, is no credential; it is told as an unknown one.
#[tokio::test]
async fn malformed_headers_are_refused() {
    let server = Server::start().await;
    for value in [
        "Basic dXNlcjpwYXNz",
        "Bearer a b",
        "Token abc",
        "Bearer abc,def",
        &format!("Bearer {}", "a".repeat(5000)),
    ] {
        let caller = Caller::Headers(vec![value.to_owned()]);
        server.home().get("/v2/jobs", &caller).await.expect_refusal(401, "credential_unknown");
        Mint::of("rt").ask(&server.home(), &caller).await.expect_refusal(401, "credential_unknown");
        server.home().get("/v1/projects", &caller).await.expect_refusal(401, "credential_unknown");
        let refused = Socket::open(&server.report().realtime_url, &caller).await.unwrap_err();
        assert_eq!((refused.status, refused.body["reason"].as_str()), (401, Some("credential_unknown")));
    }
    ready_key_is_let_in(&server).await;
    server.shutdown().await;
}

/// A temporary key is good from a minute before it was made until five seconds after its end, and at no other time; an
/// API key ends at its moment, and takes its temporary keys with it.
#[tokio::test]
async fn expired_and_early_credentials_are_refused_everywhere() {
    let clock = Arc::new(TestClock::default());
    let server =
        Server::start_with(DevOptions { clock: Arc::clone(&clock) as _, ..DevOptions::default() }).await;
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    clock.jump_seconds(70);
    refused_everywhere(&server, &bad("expired token", &token, "credential_expired")).await;
    clock.jump_seconds(-70);

    clock.jump_seconds(200);
    let later = Mint::of("rt").key(&server.home(), &server.key()).await;
    clock.jump_seconds(-200);
    refused_everywhere(&server, &bad("early token", &later, "credential_early")).await;

    let soon = voxgate_time(&*clock, 3600);
    let key = make_key(&server, json!({"expires_at": soon})).await;
    let child = Mint::of("rt").with("ttl", json!(7200)).key(&server.home(), &key.caller()).await;
    server.home().get("/v2/jobs", &key.caller()).await.expect(200);
    clock.jump_seconds(3601);
    refused_everywhere(&server, &bad("expired key", &key.secret, "credential_expired")).await;
    refused_everywhere(&server, &bad("token of an expired key", &child, "credential_expired")).await;
    ready_key_is_let_in(&server).await;
    server.shutdown().await;
}

fn voxgate_time(clock: &dyn domain::Clock, seconds: i64) -> String {
    clock.now().plus_seconds(seconds).to_rfc3339()
}

/// A revoked key, its temporary keys, and whatever a deleted project held: 401, and told as revoked to who holds it.
#[tokio::test]
async fn revoked_credentials_are_refused_everywhere() {
    let server = Server::start().await;
    let home = server.home();
    let key = make_key(&server, json!({})).await;
    let token = Mint::of("rt").key(&home, &key.caller()).await;
    let project = make_project(&server, "short-lived").await;
    let doomed = make_key_in(&home, &server.manager(), project, json!({})).await;
    let doomed_token = Mint::of("rt").key(&home, &doomed.caller()).await;
    home.get("/v2/jobs", &key.caller()).await.expect(200);
    home.get("/v2/jobs", &doomed.caller()).await.expect(200);

    revoke_key(&home, &server.manager(), &key.id).await;
    home.delete(&format!("/v1/projects/{project}"), &server.manager()).await.expect(204);

    for bad in [
        bad("revoked key", &key.secret, "credential_revoked"),
        bad("token of a revoked key", &token, "credential_revoked"),
        bad("key of a deleted project", &doomed.secret, "credential_revoked"),
        bad("token of a deleted project", &doomed_token, "credential_revoked"),
    ] {
        refused_everywhere(&server, &bad).await;
    }
    ready_key_is_let_in(&server).await;
    server.shutdown().await;
}

/// Two credentials could be read as either, so they are read as neither: 400. A header beside `?jwt=` is no ambiguity:
/// the header decides.
#[tokio::test]
async fn two_credentials_are_ambiguous() {
    let server = Server::start().await;
    let key = &server.report().api_key;
    let twice = Caller::Headers(vec![format!("Bearer {key}"), format!("Bearer {key}")]);
    Mint::of("rt").ask(&server.home(), &twice).await.expect_refusal(400, "credential_ambiguous");
    let answer = server.home().get("/v2/jobs", &twice).await.expect_refusal(400, "credential_ambiguous");
    assert_eq!(answer.json()["error"], "Malformed request");
    server.home().get("/v1/projects", &twice).await.expect_refusal(400, "credential_ambiguous");
    let refused = Socket::open(&server.report().realtime_url, &twice).await.unwrap_err();
    assert_eq!((refused.status, refused.body["reason"].as_str()), (400, Some("credential_ambiguous")));

    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    let two_jwts = format!("{}?jwt={token}&jwt={token}", server.report().realtime_url);
    let refused = Socket::open(&two_jwts, &Caller::anon()).await.unwrap_err();
    assert_eq!((refused.status, refused.body["reason"].as_str()), (400, Some("credential_ambiguous")));

    // Controls: the header decides, whatever the URL holds; what libraries send for no key leaves it to the URL.
    let wrong_jwt = with_jwt(&server.report().realtime_url, "nonsense");
    Socket::open(&wrong_jwt, &server.key()).await.unwrap().begin().await;
    let url = with_jwt(&server.report().realtime_url, &token);
    Socket::open(&url, &Caller::Headers(vec!["Bearer None".to_owned()])).await.unwrap().begin().await;
    server.shutdown().await;
}
