//! The rows of the answers table about the Jobs API.

use reqwest::Method;
use serde_json::json;
use testkit::{Api, Caller, Mint, Server, raw_request};
use voxgate::dev::DevOptions;

use crate::common::make_key;

/// A credential for another product, or from another network, is told so.
#[tokio::test]
async fn wrong_product_and_network_are_403() {
    let server = Server::start().await;
    let home = server.home();
    let rt = Caller::temporary_key(&Mint::of("rt").key(&home, &server.key()).await);
    let refused = home.get("/v2/jobs", &rt).await.expect_refusal(403, "wrong_product").json();
    assert_eq!(refused["error"], "Forbidden");
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.contains("rt") && detail.contains("batch"), "it names both products: {detail}");
    home.create_job(&rt).await.expect_refusal(403, "wrong_product");
    let batch = Caller::temporary_key(&Mint::of("batch").key(&home, &server.key()).await);
    home.get("/v2/jobs", &batch).await.expect(200);

    let rt_only = make_key(&server, json!({"products": ["rt"]})).await.caller();
    home.get("/v2/jobs", &rt_only).await.expect_refusal(403, "wrong_product");

    let elsewhere = make_key(&server, json!({"networks": ["192.0.2.0/24"]})).await.caller();
    let refused = home.get("/v2/jobs", &elsewhere).await.expect_refusal(403, "network_denied");
    assert_eq!(refused.json()["error"], "Forbidden");
    let leashed = Mint::of("batch").with("networks", json!(["192.0.2.0/24"])).key(&home, &server.key()).await;
    home.get("/v2/jobs", &Caller::temporary_key(&leashed)).await.expect_refusal(403, "network_denied");
    let near =
        Mint::of("batch").with("networks", json!(["127.0.0.1", "::1"])).key(&home, &server.key()).await;
    home.get("/v2/jobs", &Caller::temporary_key(&near)).await.expect(200);
    server.shutdown().await;
}

/// Usage is of whole projects: a key for one client_ref doesn't see it, one without does.
#[tokio::test]
async fn usage_needs_the_whole_project() {
    let server = Server::start().await;
    let home = server.home();
    let one = Mint::of("batch").client_ref("USER123").key(&home, &server.key()).await;
    let refused =
        home.get("/v2/usage", &Caller::temporary_key(&one)).await.expect_refusal(403, "usage_needs_project");
    assert_eq!(refused.json()["error"], "Forbidden");
    let permanent = make_key(&server, json!({"client_ref": "USER123"})).await.caller();
    home.get("/v2/usage", &permanent).await.expect_refusal(403, "usage_needs_project");
    let whole = Mint::of("batch").key(&home, &server.key()).await;
    home.get("/v2/usage", &Caller::temporary_key(&whole)).await.expect(200);
    home.get("/v2/usage", &server.key()).await.expect(200);
    server.shutdown().await;
}

/// A job that never was, another's and a deleted one are the same: 404, byte for byte.
#[tokio::test]
async fn unknown_foreign_and_deleted_jobs_are_the_same() {
    let server = Server::start().await;
    let home = server.home();
    let foreign = home
        .job(&Caller::temporary_key(&Mint::of("batch").client_ref("other").key(&home, &server.key()).await))
        .await;
    let deleted = home.job(&server.key()).await;
    let kept = home.job(&server.key()).await;
    home.delete(&format!("/v2/jobs/{deleted}?force=true"), &server.key()).await.expect(200);
    let mine = Caller::temporary_key(&Mint::of("batch").client_ref("mine").key(&home, &server.key()).await);
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "/"),
        (Method::GET, "/transcript"),
        (Method::GET, "/log"),
        (Method::GET, "/data"),
        (Method::DELETE, ""),
    ] {
        let path = |id: &str| format!("/v2/jobs/{id}{rest}");
        let unknown =
            home.send(method.clone(), &path("0123456789"), &mine).await.expect_refusal(404, "job_not_found");
        assert_eq!(unknown.json()["error"], "Job not found");
        for id in [&foreign, &deleted, &kept] {
            let answer =
                home.send(method.clone(), &path(id), &mine).await.expect_refusal(404, "job_not_found");
            assert_eq!(answer.body, unknown.body, "{method} {rest}");
        }
        let answer = home.send(method.clone(), &path(&deleted), &server.key()).await;
        assert_eq!(answer.expect_refusal(404, "job_not_found").body, unknown.body);
    }
    home.get(&format!("/v2/jobs/{kept}"), &server.key()).await.expect(200);
    home.get(&format!("/v2/jobs/{foreign}"), &server.key()).await.expect(200);
    server.shutdown().await;
}

/// Too fast is 429 with an `error` of the published enum, told as a rate, with `Retry-After`; reads and creates apart.
#[tokio::test]
async fn too_fast_is_429() {
    let mut options = DevOptions::default();
    options.limits.reads_per_second_max = 1;
    options.limits.creates_per_second_max = 1;
    let server = Server::start_with(options).await;
    let home = server.home();
    home.create_job(&server.key()).await.expect(201);
    home.get("/v2/jobs", &server.key()).await.expect(200);
    for is_create in [false, true] {
        let refused = testkit::eventually("a 429", || async {
            let answer = if is_create {
                home.create_job(&server.key()).await
            } else {
                home.get("/v2/jobs", &server.key()).await
            };
            (answer.status == 429).then_some(answer)
        })
        .await;
        let body = refused.expect_refusal(429, "rate_limited").json();
        assert_eq!(body["error"], "Max concurrent running jobs exceeded");
        assert!(body["detail"].as_str().unwrap().contains("rate"), "{body}");
    }
    server.shutdown().await;
}

/// Query values of the wrong form are 422.
#[tokio::test]
async fn wrong_values_are_422() {
    let server = Server::start().await;
    let home = server.home();
    for query in ["limit=x", "limit=0", "limit=101", "created_before=yesterday", "include_deleted=maybe"] {
        let refused =
            home.get(&format!("/v2/jobs?{query}"), &server.key()).await.expect_refusal(422, "invalid_value");
        assert_eq!(refused.json()["error"], "Unprocessable Entity", "{query}");
    }
    for query in
        ["limit=1", "limit=100", "created_before=2030-01-01T00:00:00Z", "include_deleted=true", "sm-sdk=x"]
    {
        home.get(&format!("/v2/jobs?{query}"), &server.key()).await.expect(200);
    }
    server.shutdown().await;
}

/// What is over its limit is refused with the status of what was too large.
#[tokio::test]
async fn too_large_is_413_414_431() {
    let server = Server::start().await;
    let base = server.report().batch_url.clone();
    let key = &server.report().api_key;
    let ask = async |line: &str, more: &str| {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n{more}\r\n"
        );
        raw_request(&base, request.as_bytes()).await
    };
    let answer = ask(&format!("GET /v2/jobs?x={}", "a".repeat(gateway::limits::URL_BYTES_MAX)), "").await;
    assert!(answer.starts_with("HTTP/1.1 414"), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
    let answer =
        ask("GET /v2/jobs", &format!("X-Padding: {}\r\n", "a".repeat(gateway::limits::HEAD_BYTES_MAX))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let length = gateway::limits::BODY_BYTES_MAX + 1;
    let answer = ask(
        "POST /v2/jobs",
        &format!("Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n"),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
    // The management API shares the listener, and so the limits.
    let answer = ask(&format!("GET /v1/projects?x={}", "a".repeat(gateway::limits::URL_BYTES_MAX)), "").await;
    assert!(answer.starts_with("HTTP/1.1 414") && answer.contains("too_large"), "{answer}");
    let padding = format!("X-Padding: {}\r\n", "a".repeat(gateway::limits::HEAD_BYTES_MAX));
    let answer = ask("POST /v1/api_keys", &padding).await;
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("too_large"), "{answer}");
    let answer = ask(&format!("GET /v2/jobs?x={}", "a".repeat(4000)), "X-Padding: short\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.shutdown().await;
}

/// An engine that is down is 503, and whoever may use the failover region is told of it.
#[tokio::test]
async fn a_dead_engine_is_503() {
    let options =
        DevOptions { upstream_batch: Some("http://127.0.0.1:1".to_owned()), ..DevOptions::default() };
    let server = Server::start_with(options).await;
    let refused = server.home().create_job(&server.key()).await.expect_refusal(503, "engine_down").json();
    let failover = &server.report().regions["eu2"].batch_url;
    assert!(refused["detail"].as_str().unwrap().contains(failover.as_str()), "{refused}");

    let pro = pro_key(&server).await;
    let refused = server.home().create_job(&pro).await.expect_refusal(503, "engine_down").json();
    assert!(!refused["detail"].as_str().unwrap().contains(failover.as_str()), "{refused}");
    // Without a credential nobody learns of engines.
    server.home().create_job(&Caller::anon()).await.expect_refusal(401, "credential_missing");
    server.shutdown().await;
}

async fn pro_key(server: &Server) -> Caller {
    let control = server.running().instance().control();
    let new = control::NewWorkspace {
        name: "pro".to_owned(),
        plan: domain::Plan::Pro,
        home_area: domain::Area::Eu,
    };
    let made = control.create_workspace(&control::Actor::OPERATOR, new).await.unwrap();
    let key = control::NewKey::named(made.default_project.id, "pro");
    let created = control.create_key(&control::Actor::OPERATOR, made.workspace.id, key).await.unwrap();
    Caller::api_key(created.secret.expose())
}

/// The failover regions are for enterprise workspaces.
#[tokio::test]
async fn failover_regions_need_the_plan() {
    let server = Server::start().await;
    let pro = pro_key(&server).await;
    let refused =
        server.region("eu2").get("/v2/jobs", &pro).await.expect_refusal(403, "plan_required").json();
    assert_eq!(refused["error"], "Forbidden");
    server.region("eu1").get("/v2/jobs", &pro).await.expect(200);
    server.region("eu2").get("/v2/jobs", &server.key()).await.expect(200);
    server.shutdown().await;
}

/// Unknown paths need no key and reach no engine; the list of features is public.
#[tokio::test]
async fn public_paths_are_these_and_no_others() {
    let server = Server::start().await;
    let eu1 = server.region("eu1");
    for path in ["/v3/jobs", "/", "/v1/api_keys", "/v2/jobs/a/b/c", "/v2/jobs/0123456789/nothing"] {
        eu1.get(path, &Caller::anon()).await.expect(404);
    }
    eu1.get("/v1/discovery/features", &Caller::anon()).await.expect(200);
    let answer = Api::new(eu1.base()).send(Method::PATCH, "/v2/jobs", &server.key()).await;
    assert!(answer.expect_refusal(405, "method_not_allowed").header("allow").contains("POST"));
    server.shutdown().await;
}
