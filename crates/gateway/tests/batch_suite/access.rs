//! Who gets in: every route, refused and allowed side by side.

use domain::link::{Change, FromGateway, KeyRecord};
use domain::{Area, Clock as _, Plan, PlanLimits, Product, ProductSet, Reason, Region};
use reqwest::Method;

use crate::world::{Answer, Setup, World, refused};

/// All routes that need a key, with a method each.
fn routes(job: &str) -> Vec<(Method, String)> {
    vec![
        (Method::GET, String::from("/v2/jobs")),
        (Method::POST, String::from("/v2/jobs")),
        (Method::GET, format!("/v2/jobs/{job}")),
        (Method::GET, format!("/v2/jobs/{job}/transcript")),
        (Method::GET, format!("/v2/jobs/{job}/log")),
        (Method::GET, format!("/v2/jobs/{job}/data")),
        (Method::GET, String::from("/v2/usage")),
        (Method::POST, String::from("/generate/sarah")),
        (Method::DELETE, format!("/v2/jobs/{job}")),
    ]
}

/// Every route, with and without a final slash, refuses whoever has no good key, in the documented words, and asks the engine
/// nothing; the same request with a good key passes.
#[tokio::test]
async fn every_route_refuses_and_allows() {
    let world = World::new().await;
    let key = world.key().await;
    let revoked = world.key_with(|record| record.revoked_at = Some(domain::Timestamp::from_seconds(1))).await;
    let expired = world.key_with(|record| record.expires_at = Some(domain::Timestamp::from_seconds(1))).await;
    let realtime_only = world.key_with(|record| record.products = ProductSet::EMPTY.with(Product::Rt)).await;
    let far = world.key_of_areas(&[Area::Usa]).await;
    let foreign_network =
        world.key_with(|record| record.networks.0.push("192.0.2.0/24".parse().unwrap())).await;
    let job = world.create(key.bearer()).await;
    world.engine.finish(&job, 1);
    let mut mistyped = key.bearer().to_owned();
    mistyped.pop();
    let denied = "Permission Denied";
    for (method, path) in routes(&job) {
        for path in [path.clone(), format!("{path}/")] {
            let before = world.engine.recorded().len();
            for (credential, expected) in [
                ("", refused(401, denied, "credential_missing")),
                ("None", refused(401, denied, "credential_missing")),
                (mistyped.as_str(), refused(401, denied, "credential_unknown")),
                ("nonsense", refused(401, denied, "credential_unknown")),
                (revoked.bearer(), refused(401, denied, "credential_revoked")),
                (expired.bearer(), refused(401, denied, "credential_expired")),
                (realtime_only.bearer(), refused(403, "Forbidden", "wrong_product")),
                (far.bearer(), refused(403, "Forbidden", "wrong_area")),
                (foreign_network.bearer(), refused(403, "Forbidden", "network_denied")),
            ] {
                let answer = Answer::of(world.request(method.clone(), &path, credential)).await;
                assert_eq!(answer.refusal(), expected, "{method} {path} {credential}");
            }
            let bare =
                world.client.request(method.clone(), format!("http://{}{path}", world.port(Region::Eu1)));
            let answer = Answer::of(bare).await;
            assert_eq!(answer.refusal(), refused(401, denied, "credential_missing"));
            assert_eq!(world.engine.recorded().len(), before, "nothing reached the engine");
        }
        let answer = Answer::of(world.request(method.clone(), &path, key.bearer())).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        assert!(answer.headers.contains_key("request-id"));
    }
}

/// Only the header is a credential, and only one of them.
#[tokio::test]
async fn only_the_header_is_a_credential() {
    let world = World::new().await;
    let key = world.key().await;
    let temporary = world.temporary(&key, None);
    for query in ["jwt", "api_key"] {
        let url = format!("http://{}/v2/jobs?{query}={temporary}", world.port(Region::Eu1));
        assert_eq!(Answer::of(world.client.get(url)).await.reason(), "credential_missing");
    }
    for name in ["cookie", "x-api-key", "proxy-authorization", "authorisation"] {
        let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
        let answer = Answer::of(world.client.get(url).header(name, format!("Bearer {temporary}"))).await;
        assert_eq!(answer.reason(), "credential_missing", "{name}");
    }
    let twice = world.request(Method::GET, "/v2/jobs", key.bearer()).header("authorization", "Bearer x");
    let answer = Answer::of(twice).await;
    assert_eq!(answer.refusal(), refused(400, "Malformed request", "credential_ambiguous"));
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
        let header = format!("{scheme} {temporary}");
        assert_eq!(
            Answer::of(world.client.get(url).header("authorization", header)).await.status,
            200,
            "{scheme}"
        );
    }
}

/// A method that a path doesn't have is 405 with the ones it has; a preflight needs no key; unknown paths need none either.
#[tokio::test]
async fn methods_and_preflights() {
    let world = World::new().await;
    for (method, path) in routes("job1") {
        let answer = Answer::of(world.request(Method::OPTIONS, &path, "")).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap().to_owned();
        for header in ["Authorization", "Content-Type", "Request-Id", "X-Request-Id"] {
            assert!(allowed.contains(header), "{allowed}");
        }
        let answer = Answer::of(world.request(Method::PATCH, &path, "")).await;
        assert_eq!(answer.refusal(), refused(405, "Bad Request", "method_not_allowed"));
        assert!(answer.headers["allow"].to_str().unwrap().contains(method.as_str()));
    }
    for path in ["/", "/v2", "/v3/jobs", "/v2/jobs/a/b", "/v2/jobs/a.b", "/metrics", "/v2/jobs/a/object-urls"]
    {
        let answer = Answer::of(world.request(Method::POST, path, "")).await;
        assert!([404, 400, 401, 405].contains(&answer.status.as_u16()), "{path}: {answer:?}");
    }
    let answer = world.get("/v3/jobs", "").await;
    assert_eq!((answer.status.as_u16(), answer.reason()), (404, String::from("not_found")));
    assert_eq!(world.engine.recorded().len(), 0);
}

/// Features are public; they carry nobody's identity.
#[tokio::test]
async fn features_are_public() {
    let world = World::new().await;
    let answer = world.get("/v1/discovery/features", "nonsense").await;
    assert_eq!(answer.status, 200);
    let seen = world.engine.last().headers;
    assert!(!seen.contains_key("voxgate-project"));
    assert_eq!(seen["authorization"], "Bearer engine-token");
    assert_eq!(seen["voxgate-region"], "eu1");
}

/// A key used in another area is told the endpoint of its own; regions for enterprises are closed to others.
#[tokio::test]
async fn regions_keep_to_their_keys() {
    let world = World::new().await;
    let usa = world.key_of_areas(&[Area::Usa]).await;
    let answer = world.get("/v2/jobs", usa.bearer()).await;
    assert!(
        answer.json()["detail"].as_str().unwrap().contains("https://us1.asr.example.org/v2"),
        "{answer:?}"
    );
    assert_eq!(
        Answer::of(world.request_at(Region::Us1, Method::GET, "/v2/jobs", usa.bearer())).await.status,
        200
    );

    let eu = world.key().await;
    let job = world.create(eu.bearer()).await;
    assert_eq!(world.get(&format!("/v2/jobs/{job}"), eu.bearer()).await.status, 200);
    let there = world.request_at(Region::Eu2, Method::GET, &format!("/v2/jobs/{job}"), eu.bearer());
    assert_eq!(Answer::of(there).await.refusal(), refused(404, "Job not found", "job_not_found"));

    let small = World::with(Setup {
        limits: PlanLimits { enterprise: false, ..Setup::default().limits },
        ..Setup::default()
    })
    .await;
    let key = small.key().await;
    assert_eq!(small.get("/v2/jobs", key.bearer()).await.status, 200);
    let answer = Answer::of(small.request_at(Region::Eu2, Method::GET, "/v2/jobs", key.bearer())).await;
    assert_eq!(answer.refusal(), refused(403, "Forbidden", "plan_required"));
}

/// An engine that is down is 503; who may use the failover region is told where it is, others are not.
#[tokio::test]
async fn an_engine_that_is_down() {
    for (enterprise, named) in [(true, true), (false, false)] {
        let limits = PlanLimits { enterprise, ..Setup::default().limits };
        let world = World::with(Setup { limits, ..Setup::default() }).await;
        let key = world.key().await;
        let job = world.create(key.bearer()).await;
        world.engine.stop().await;
        for (method, path) in [
            (Method::POST, String::from("/v2/jobs")),
            (Method::GET, String::from("/v2/jobs")),
            (Method::GET, format!("/v2/jobs/{job}")),
            (Method::GET, format!("/v2/jobs/{job}/transcript")),
            (Method::DELETE, format!("/v2/jobs/{job}")),
            (Method::GET, String::from("/v1/discovery/features")),
        ] {
            let answer = Answer::of(world.request(method.clone(), &path, key.bearer())).await;
            assert_eq!(
                answer.refusal(),
                refused(503, "Internal Server Error", "engine_down"),
                "{method} {path}"
            );
            assert!(answer.headers.contains_key("retry-after"));
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            let public = path.starts_with("/v1");
            assert_eq!(detail.contains("https://eu2.asr.example.org/v2"), named && !public, "{detail}");
            assert!(!detail.contains("127.0.0.1"), "{detail}");
        }
    }
}

/// Rates are the plan's: the one too many is 429 with a published error and a time to come again; other projects go on.
#[tokio::test]
async fn rates_are_limited_per_project() {
    let limits = Plan::Enterprise.default_limits();
    let world = World::with(Setup { limits, ..Setup::default() }).await;
    let key = world.key().await;
    let other = world.key_with(|record| record.project_id = crate::world::OTHER_PROJECT).await;
    for _ in 0..limits.creates_per_second_max {
        world.create(key.bearer()).await;
    }
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
    let limited = refused(429, "Max concurrent running jobs exceeded", "rate_limited");
    assert_eq!(answer.refusal(), limited);
    assert!(answer.json()["detail"].as_str().unwrap().contains("rate"));
    assert_eq!(answer.headers["retry-after"], "1");
    world.create(other.bearer()).await;
    for _ in 0..limits.reads_per_second_max {
        assert_eq!(world.get("/v2/usage", key.bearer()).await.status, 200);
    }
    assert_eq!(world.get("/v2/usage", key.bearer()).await.refusal(), limited);
    assert_eq!(
        world.get("/v2/jobs/unknown", key.bearer()).await.status,
        404,
        "the job comes before the rate"
    );
    world.clock.advance_seconds(1);
    world.create(key.bearer()).await;
    assert_eq!(world.get("/v2/usage", key.bearer()).await.status, 200);
}

/// A revoked key and its temporary keys are refused from the moment that the gateway says so; another project's key lives on.
#[tokio::test]
async fn revocation_is_at_once() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    let temporary = world.temporary(&key, None);
    assert_eq!(world.get("/v2/jobs", &temporary).await.status, 200);
    let mut record = key.record.clone();
    record.revoked_at = Some(domain::Timestamp::from_seconds(crate::world::START));
    world.change(domain::link::Change::Key(record)).await;
    for credential in [temporary.as_str(), key.bearer()] {
        assert_eq!(world.get("/v2/jobs", credential).await.reason(), "credential_revoked");
    }
    assert_eq!(world.get("/v2/jobs", other.bearer()).await.status, 200);
}

/// Hosts choose what is served, in any case; a path of one never answers at another.
#[tokio::test]
async fn hosts_choose() {
    let world = World::new().await;
    let key = world.key_of_areas(&[Area::Eu, Area::Usa]).await;
    let job = world.create(key.bearer()).await;
    let at = |host: &str, path: &str| {
        let url = format!("http://{}{path}", world.running().by_host);
        world.client.get(url).header("host", host).bearer_auth(key.bearer())
    };
    let path = format!("/v2/jobs/{job}");
    assert_eq!(Answer::of(at("EU1.asr.Example.org", &path)).await.status, 200);
    assert_eq!(Answer::of(at("eu1.asr.example.org:8443", &path)).await.status, 200);
    assert_eq!(Answer::of(at("us1.asr.example.org", &path)).await.status, 404);
    assert_eq!(Answer::of(at("elsewhere.example.org", &path)).await.reason(), "not_found");
    assert_eq!(Answer::of(at("eu.rt.example.org", &path)).await.reason(), "not_found");
    assert_eq!(Answer::of(at("portal.example.org", &path)).await.text(), format!("other {path}"));
    assert_eq!(Answer::of(at("eu1.asr.example.org", "/settings")).await.reason(), "not_found");
    let home = |path: &str| {
        world.client.get(format!("http://{}{path}", world.running().home)).bearer_auth(key.bearer())
    };
    assert_eq!(Answer::of(home(&path)).await.status, 200);
    assert_eq!(Answer::of(home("/settings")).await.text(), "other /settings");
}

/// A gateway that has heard nothing yet lets nobody in, and says why, and nothing else: it can't know whose credential is good.
#[tokio::test]
async fn nothing_is_open_before_the_first_snapshot() {
    let world = World::new().await;
    let key = world.key().await;
    let (_keep, incoming) = tokio::sync::mpsc::channel(1);
    let (outgoing, _keep_too) = tokio::sync::mpsc::channel(16);
    let folder = tempfile::tempdir().unwrap();
    let ledger = ledger::Ledger::open(&folder.path().join("l"), Region::Eu1).await.unwrap();
    let mut config = gateway::GatewayConfig { regions: Vec::new(), ..world.config() };
    config.regions.extend(world.config().regions.into_iter().filter(|one| one.region == Region::Eu1));
    let gateway = gateway::Gateway::start(
        config,
        std::sync::Arc::new(verify::Tables::new()),
        [(Region::Eu1, std::sync::Arc::new(ledger))].into(),
        world.clock.clone(),
        std::sync::Arc::new(domain::SystemRng),
        gateway::GatewayLink { incoming, outgoing },
    )
    .await
    .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/jobs", listener.local_addr().unwrap());
    let other: gateway::Other =
        std::sync::Arc::new(|_, _| Box::pin(async { http::Response::new(gateway::Body::empty()) }));
    let stop = tokio_util::sync::CancellationToken::new();
    tokio::spawn(gateway.serve(listener, gateway::Site::Region(Region::Eu1), other, stop));
    for bearer in [key.bearer(), "unknown"] {
        for method in [Method::GET, Method::POST] {
            let request = world.client.request(method, format!("{url}?limit=x")).bearer_auth(bearer);
            let answer = Answer::of(request).await;
            assert_eq!(answer.refusal(), refused(503, "Internal Server Error", "stale"));
        }
    }
}

/// A request that is refused to a key which is genuine and alive is counted by its reason; one with a revoked key isn't.
#[tokio::test]
async fn refusals_of_genuine_keys_are_counted() {
    let world = World::new().await;
    let key = world.key_with(|record| record.products = ProductSet::EMPTY.with(Product::Rt)).await;
    let gone = world.key().await;
    let revoked = KeyRecord { revoked_at: Some(world.clock.now()), ..gone.record.clone() };
    world.change(Change::Key(revoked)).await;
    assert_eq!(world.get("/v2/jobs", gone.bearer()).await.status, 401);
    assert_eq!(world.get("/v2/jobs", key.bearer()).await.status, 403);
    let records = world.hear(|message| match message {
        FromGateway::UsageBatch { records, .. } => Some(records.clone()),
        _ => None,
    });
    let records = records.await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0].api_key_id, records[0].requests), (key.record.id, 1));
    assert_eq!(records[0].refused, [(Reason::WrongProduct, 1)].into_iter().collect());
}
