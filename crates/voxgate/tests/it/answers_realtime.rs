//! The rows of the answers table about the realtime WebSocket.

use serde_json::{Value, json};
use testkit::{Caller, Event, Mint, Server, Socket};
use voxgate::dev::DevOptions;

use crate::common::{make_key, with_jwt};

/// The refusal that must follow an upgrade with a credential in the URL.
async fn refused_in_band(url: &str, credential: &str) -> (Value, u16) {
    let mut socket =
        Socket::open(&with_jwt(url, credential), &Caller::anon()).await.expect("the upgrade succeeds");
    socket.start().await;
    socket.until_refused().await
}

#[track_caller]
fn check(refusal: &(Value, u16), kind: &str, code: u16, reason: &str) {
    assert_eq!((refusal.0["type"].as_str(), refusal.1), (Some(kind), code), "{refusal:?}");
    assert!(refusal.0["reason"].as_str().unwrap().contains(reason), "{refusal:?}");
}

#[track_caller]
fn check_http(refused: &testkit::Refused, status: u16, reason: &str) {
    assert_eq!((refused.status, refused.body["reason"].as_str()), (status, Some(reason)), "{refused:?}");
    assert!(refused.headers.iter().any(|(name, value)| name == "request-id" && value.starts_with("req_")));
}

/// A long-lived key in a URL ends up in logs: it is refused there and says why; in the header it works.
#[tokio::test]
async fn an_api_key_in_the_url_is_refused() {
    let server = Server::start().await;
    let url = &server.report().realtime_url;
    check(&refused_in_band(url, &server.report().api_key).await, "not_authorised", 4001, "api_key_in_url");
    check(
        &refused_in_band(url, &server.report().management_token).await,
        "not_authorised",
        4001,
        "api_key_in_url",
    );
    Socket::open(url, &server.key()).await.unwrap().begin().await;
    server.shutdown().await;
}

/// A key for another product: 403 in the header, 4001 in the URL, naming both products.
#[tokio::test]
async fn the_wrong_product_is_named() {
    let server = Server::start().await;
    let url = &server.report().realtime_url;
    let batch = Mint::of("batch").key(&server.home(), &server.key()).await;
    let refused = Socket::open(url, &Caller::temporary_key(&batch)).await.unwrap_err();
    check_http(&refused, 403, "wrong_product");
    let in_band = refused_in_band(url, &batch).await;
    check(&in_band, "not_authorised", 4001, "wrong_product");
    let reason = in_band.0["reason"].as_str().unwrap();
    assert!(reason.contains("batch") && reason.contains("rt"), "{reason}");
    let rt = Mint::of("rt").key(&server.home(), &server.key()).await;
    Socket::open(url, &Caller::temporary_key(&rt)).await.unwrap().begin().await;
    server.shutdown().await;
}

/// A key of another area, a page of another origin, a caller from another network: 403 in the header, 4003 in the URL.
#[tokio::test]
async fn wrong_area_origin_and_network_are_not_allowed() {
    let server = Server::start().await;
    let home = server.home();
    let url = &server.report().realtime_url;
    let usa = make_key(&server, json!({"areas": ["usa"]})).await;
    check_http(&Socket::open(url, &usa.caller()).await.unwrap_err(), 403, "wrong_area");
    let token = Mint::of("rt").key(&home, &usa.caller()).await;
    check(&refused_in_band(url, &token).await, "not_allowed", 4003, "wrong_area");
    let us1 = server.report().regions["us1"].realtime_url.clone().unwrap();
    Socket::open(&with_jwt(&us1, &token), &Caller::anon()).await.unwrap().begin().await;

    let token = Mint::of("rt").with("networks", json!(["192.0.2.0/24"])).key(&home, &server.key()).await;
    check_http(&Socket::open(url, &Caller::temporary_key(&token)).await.unwrap_err(), 403, "network_denied");
    check(&refused_in_band(url, &token).await, "not_allowed", 4003, "network_denied");
    let elsewhere = make_key(&server, json!({"networks": ["192.0.2.0/24"]})).await;
    check_http(&Socket::open(url, &elsewhere.caller()).await.unwrap_err(), 403, "network_denied");

    let token =
        Mint::of("rt").with("origins", json!(["https://app.example.com"])).key(&home, &server.key()).await;
    let caller = Caller::temporary_key(&token);
    check_http(&Socket::open(url, &caller).await.unwrap_err(), 403, "origin_denied");
    let other = [("origin", "https://app.example.com.evil")];
    check_http(&Socket::open_with(url, &caller, &other).await.unwrap_err(), 403, "origin_denied");
    check(&refused_in_band(url, &token).await, "not_allowed", 4003, "origin_denied");
    let right = [("origin", "https://app.example.com")];
    Socket::open_with(&with_jwt(url, &token), &Caller::anon(), &right).await.unwrap().begin().await;
    server.shutdown().await;
}

/// One session more than the project may have: the upgrade succeeds, then `quota_exceeded` and 4005, whichever way the
/// credential came. Once a session ends, there is room again.
#[tokio::test]
async fn too_many_sessions_are_4005() {
    let mut options = DevOptions::default();
    options.limits.concurrent_sessions_max = 1;
    let server = Server::start_with(options).await;
    let url = &server.report().realtime_url;
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    let mut first = Socket::open(url, &server.key()).await.unwrap();
    let info = first.until("Info").await;
    assert_eq!(
        (&info["type"], &info["usage"], &info["quota"]),
        (&json!("concurrent_session_usage"), &json!(1), &json!(1))
    );
    first.begin().await;
    check(&refused_in_band(url, &token).await, "quota_exceeded", 4005, "sessions_full");
    let mut second = Socket::open(url, &server.key()).await.unwrap();
    second.start().await;
    check(&second.until_refused().await, "quota_exceeded", 4005, "sessions_full");
    drop(first);
    testkit::eventually("room again", || async {
        let mut socket = Socket::open(url, &server.key()).await.unwrap();
        socket.start().await;
        loop {
            match socket.next().await {
                Event::Json(value) if value["message"] == "RecognitionStarted" => return Some(()),
                Event::Json(value) if value["message"] == "Error" => return None,
                Event::Json(_) | Event::Bytes(_) => {}
                Event::Closed { .. } | Event::Broken => return None,
            }
        }
    })
    .await;
    server.shutdown().await;
}

/// An engine that is down: 503 in the header, 1011 in the URL.
#[tokio::test]
async fn a_dead_engine_is_told() {
    let options =
        DevOptions { upstream_realtime: Some("ws://127.0.0.1:1".to_owned()), ..DevOptions::default() };
    let server = Server::start_with(options).await;
    let url = &server.report().realtime_url;
    check_http(&Socket::open(url, &server.key()).await.unwrap_err(), 503, "engine_down");
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    check(&refused_in_band(url, &token).await, "job_error", 1011, "engine_down");
    server.shutdown().await;
}

/// In-band refusals wait for the client's first frame, so that no client misses them: nothing comes before it.
#[tokio::test]
async fn refusals_wait_for_the_first_frame() {
    let server = Server::start().await;
    let url = with_jwt(&server.report().realtime_url, "nonsense");
    let mut socket = Socket::open(&url, &Caller::anon()).await.unwrap();
    // Nobody speaks: the refusal comes by itself after a while.
    let (error, code) = socket.until_refused().await;
    check(&(error, code), "not_authorised", 4001, "credential_unknown");
    server.shutdown().await;
}

/// Every path of released clients opens a session.
#[tokio::test]
async fn every_path_opens_a_session() {
    let server = Server::start().await;
    let base = server.report().realtime_url.trim_end_matches("/v2").to_owned();
    for path in [
        "/v2",
        "/v2/",
        "/v2/en",
        "/v2/agent",
        "/v2/agent/adaptive",
        "/v2/en?sm-sdk=python-5.0.0",
        "/v2?a=1?sm-sdk=rust-0.4.0",
    ] {
        let mut socket = Socket::open(&format!("{base}{path}"), &server.key())
            .await
            .unwrap_or_else(|error| panic!("{path}: {error:?}"));
        assert!(socket.header("request-id").starts_with("req_"));
        socket.begin().await;
    }
    server.shutdown().await;
}

/// A frame over its limit ends the session with 1009; a large one within it goes through.
#[tokio::test]
async fn a_frame_over_its_limit_is_1009() {
    let server = Server::start().await;
    let max = usize::try_from(gateway::realtime::frame::FRAME_BYTES_MAX).unwrap();
    let mut socket = Socket::open(&server.report().realtime_url, &server.key()).await.unwrap();
    socket.begin().await;
    socket.send_audio(vec![0; 1 << 16]).await;
    socket.until("AudioAdded").await;
    socket.send_audio(vec![0; max + 1]).await;
    let (error, code) = socket.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("protocol_error"), 1009), "{error}");
    server.shutdown().await;
}
