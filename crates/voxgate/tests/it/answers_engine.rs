//! The rows of the answers table that need an engine with a will of its own, or a plan that is narrow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use testkit::{Caller, Mint, Server, Socket};
use voxgate::dev::DevOptions;

use crate::common::with_jwt;

/// Opens until one is refused: how many starts fit into a second depends on when the second began.
const STARTS_MAX: usize = 100;

/// An engine with one job, which expires when it is told to.
async fn engine(expired: Arc<AtomicBool>) -> String {
    async fn job(State(expired): State<Arc<AtomicBool>>) -> Json<Value> {
        let status = if expired.load(Ordering::Acquire) { "expired" } else { "done" };
        Json(json!({"job": {
            "id": "0123456789", "status": status, "created_at": "2026-11-25T00:00:00.000Z", "duration": 2,
            "data_name": "a.wav", "config": {"type": "transcription", "transcription_config": {"language": "en"}},
        }}))
    }
    async fn create(_upload: axum::body::Bytes) -> (StatusCode, Json<Value>) {
        (StatusCode::CREATED, Json(json!({"id": "0123456789"})))
    }
    let router =
        Router::new().route("/v2/jobs", post(create)).route("/v2/jobs/{id}", get(job)).with_state(expired);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v2")
}

/// A job whose data the engine has let go is 410 to its owner from then on, stays off the list, and is 404 to everybody else.
#[tokio::test]
async fn an_expired_job_is_gone_for_its_owner() {
    let expired = Arc::new(AtomicBool::new(false));
    let upstream = engine(expired.clone()).await;
    let server =
        Server::start_with(DevOptions { upstream_batch: Some(upstream), ..DevOptions::default() }).await;
    let home = server.home();
    let job = home.job(&server.key()).await;
    let path = format!("/v2/jobs/{job}");
    home.get(&path, &server.key()).await.expect(200);
    assert_eq!(home.job_ids(&server.key()).await, std::slice::from_ref(&job));

    expired.store(true, Ordering::Release);
    for suffix in ["", "/transcript", "/data"] {
        let answer = home.get(&format!("{path}{suffix}"), &server.key()).await;
        let body = answer.expect_refusal(410, "job_expired").json();
        assert_eq!(body["error"], "Job Expired", "{body}");
    }
    assert!(home.job_ids(&server.key()).await.is_empty());
    let stranger = Mint::of("batch").client_ref("somebody").key(&home, &server.key()).await;
    home.get(&path, &Caller::temporary_key(&stranger)).await.expect_refusal(404, "job_not_found");
    server.shutdown().await;
}

/// Sessions that are opened too fast: 429 before the upgrade with a header, 4005 with a URL, and both say when to come back.
#[tokio::test]
async fn sessions_have_a_rate() {
    let mut options = DevOptions::default();
    options.limits.creates_per_second_max = 2;
    let server = Server::start_with(options).await;
    let url = &server.report().realtime_url;
    let token = Mint::of("rt").key(&server.home(), &server.key()).await;
    Socket::open(url, &server.key()).await.expect("the first is let in").begin().await;

    let mut refused = None;
    for _ in 0..STARTS_MAX {
        refused = Socket::open(url, &server.key()).await.err();
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("so many in a row are too many");
    assert_eq!((refused.status, refused.body["reason"].as_str()), (429, Some("rate_limited")), "{refused:?}");
    assert!(
        refused.headers.iter().any(|(name, value)| name == "retry-after" && value.parse::<u32>().is_ok())
    );

    for _ in 0..STARTS_MAX {
        let mut socket =
            Socket::open(&with_jwt(url, &token), &Caller::anon()).await.expect("the upgrade succeeds");
        socket.start().await;
        let first = socket.next().await;
        let testkit::Event::Json(first) = first else { panic!("{first:?}") };
        if first["message"] == "Error" {
            assert_eq!(first["type"], "quota_exceeded", "{first}");
            assert!(first["reason"].as_str().unwrap().contains("rate_limited"), "{first}");
            assert!(matches!(socket.next().await, testkit::Event::Closed { code: 4005, .. }));
            server.shutdown().await;
            return;
        }
    }
    panic!("so many in a row are too many");
}
