//! What protects the API as a whole.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use management::ManagementLimits;
use tokio::sync::oneshot;

use crate::world::{NO_LIMITS, World};

/// A token that calls too fast is told when to come again, and gets through then; others never notice.
#[tokio::test]
async fn a_credential_has_a_rate() {
    let world =
        World::with_limits(ManagementLimits { credential_calls_per_second_max: 3, ..NO_LIMITS }).await;
    let token = world.secrets.management_token.expose();
    let other = world.token(world.secrets.workspace_id, &[domain::Permission::ViewProjects]).await;
    for _ in 0..3 {
        world.ask("GET", "/v1/projects", token, "").await.expect(200);
    }
    let refused = world.ask("GET", "/v1/projects", token, "").await.refused(429, "rate_limited");
    let seconds: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    world.ask("GET", "/v1/projects", &other, "").await.expect(200);
    world.clock.advance_seconds(seconds);
    world.ask("GET", "/v1/projects", token, "").await.expect(200);
    world.control.close().await;
}

/// A network that guesses credentials is shut out for a moment, with a good credential too; another network isn't.
#[tokio::test]
async fn guessing_has_a_rate() {
    let world =
        World::with_limits(ManagementLimits { network_failures_per_second_max: 4, ..NO_LIMITS }).await;
    let (guesser, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    let token = world.secrets.management_token.expose();
    for number in 0..4 {
        let guess = format!("vgm_{number}");
        world.ask_from(guesser, "GET", "/v1/projects", &guess, "").await.refused(401, "credential_unknown");
    }
    let refused =
        world.ask_from(guesser, "GET", "/v1/projects", token, "").await.refused(429, "rate_limited");
    assert_eq!(refused.headers["retry-after"], "1");
    world.ask_from(other, "GET", "/v1/projects", token, "").await.expect(200);
    world.clock.advance_seconds(1);
    world.ask_from(guesser, "GET", "/v1/projects", token, "").await.expect(200);
    world.control.close().await;
}

/// Guesses that hold their bodies back, so that all of them are begun before any is refused, have no more tries than others.
#[tokio::test]
async fn guesses_that_are_held_back_have_the_same_rate() {
    let world =
        World::with_limits(ManagementLimits { network_failures_per_second_max: 4, ..NO_LIMITS }).await;
    let mut held = Vec::new();
    for number in 0..6 {
        let (release, body) = oneshot::channel::<Bytes>();
        let mut request = Request::post("/v1/projects")
            .header("authorization", format!("Bearer vgm_{number}"))
            .body(Body::from_stream(stream::once(body)))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 1))));
        let mut answer = Box::pin(world.answer(request));
        let is_pending = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_pending())).await;
        assert!(is_pending, "it waits for its body");
        held.push((release, answer));
    }
    let mut told = Vec::new();
    for (release, answer) in held {
        release.send(Bytes::from_static(b"{}")).unwrap();
        told.push(answer.await.status().as_u16());
    }
    assert_eq!(told, [401, 401, 401, 401, 429, 429]);
    world.control.close().await;
}

/// Every answer names its request, is kept by nobody, says what it is and can't be made a page, refusals too. Pages of the reference
/// say what they need, and nothing else says it.
#[tokio::test]
async fn every_answer_carries_its_headers() {
    let world = World::new().await;
    let token = world.secrets.management_token.expose();
    let mut ids = std::collections::BTreeSet::new();
    for (method, path, credential) in [
        ("GET", "/v1/projects", token),
        ("GET", "/v1/projects", ""),
        ("GET", "/v1/nothing", ""),
        ("TRACE", "/v1/projects", token),
        ("OPTIONS", "/v1/projects", ""),
        ("GET", "/docs", ""),
    ] {
        let answer = world.ask(method, path, credential, "").await;
        assert!(ids.insert(answer.headers["request-id"].to_str().unwrap().to_owned()), "{method} {path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{method} {path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{method} {path}");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{method} {path}");
        let policies: Vec<_> = answer.headers.get_all("content-security-policy").iter().collect();
        let [policy] = policies.as_slice() else { panic!("{method} {path}: {policies:?}") };
        let policy: Vec<&str> = policy.to_str().unwrap().split("; ").collect();
        for forbidding in
            ["default-src 'none'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(&forbidding), "{method} {path}: {policy:?}");
        }
        assert_eq!(policy.contains(&"style-src 'self'"), path == "/docs", "{method} {path}: {policy:?}");
    }
    world.control.close().await;
}

/// HEAD answers as GET without the body.
#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    let token = world.secrets.management_token.expose();
    let answer = world.ask("HEAD", "/v1/projects", token, "").await.expect(200);
    assert!(answer.body.is_empty());
    assert_eq!(world.ask("HEAD", "/v1/projects", "", "").await.status, 401);
    world.control.close().await;
}

/// Pages of other origins may mint and read public keys, and nothing else.
#[tokio::test]
async fn other_origins_may_only_mint() {
    let world = World::new().await;
    for (path, is_open) in [
        ("/v1/api_keys", true),
        ("/v1/api-keys/", true),
        ("/.well-known/jwks.json", true),
        ("/v1/projects", false),
        ("/v1/workspaces", false),
        ("/v1/api-keys/key_00000000000000000000000000", false),
    ] {
        let preflight = Request::builder()
            .method("OPTIONS")
            .uri(path)
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "POST");
        let answer = world.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers.contains_key("access-control-allow-origin"), is_open, "{path}");
        assert_eq!(answer.status.as_u16(), if is_open { 204 } else { 405 }, "{path}");
        let answer = world.ask("GET", path, world.secrets.management_token.expose(), "").await;
        assert_eq!(answer.headers.contains_key("access-control-allow-origin"), is_open, "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
    }
    world.control.close().await;
}

/// A parameter that is given twice could be read either way, so it is refused; one that nobody knows is not looked at.
#[tokio::test]
async fn parameters_are_given_once() {
    let world = World::new().await;
    let token = world.secrets.management_token.expose();
    for query in
        ["limit=1&limit=2", "after=a&after=b", "project_id=1&project_id=2", "workspace_id=a&workspace_id=b"]
    {
        world.ask("GET", &format!("/v1/api-keys?{query}"), token, "").await.refused(422, "invalid_value");
    }
    world.ask("GET", "/v1/api-keys?sm-sdk=python&x=1&x=2", token, "").await.expect(200);
    world.control.close().await;
}

/// A body that never comes, and says how long it would be.
struct Announced(u64);

impl axum::body::HttpBody for Announced {
    type Data = axum::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

/// Whoever announces a body over the limit is refused at once: nobody waits for 10 GiB that come a byte at a time.
#[tokio::test]
async fn an_announced_length_is_believed() {
    let world = World::new().await;
    for (path, token) in [
        ("/v1/projects", world.secrets.management_token.expose()),
        ("/v1/api_keys?type=rt", world.secrets.api_key.expose()),
    ] {
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::new(Announced(10 << 30))).unwrap();
        world.send(request).await.refused(413, "too_large");
    }
    world.control.close().await;
}

/// The document and the pages to read it are shared by all who ask: however many read them slowly, they are in memory once.
#[tokio::test]
async fn public_pages_are_in_memory_once() {
    let world = World::new().await;
    for path in ["/openapi.json", "/docs"] {
        let ask = async || {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = world.answer(request).await;
            assert_eq!(answer.status(), 200);
            axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap()
        };
        let (one, two) = (ask().await, ask().await);
        assert!(!one.is_empty());
        assert_eq!(one.as_ptr(), two.as_ptr(), "{path} is copied for each answer");
    }
    world.control.close().await;
}
