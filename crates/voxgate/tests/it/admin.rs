//! The administration listener: what operators and their tools see of an instance.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, Caller, Server, Socket};
use voxgate::admin::metrics::FAMILIES;

use crate::common;
use crate::program::{BINARY, Program};

fn admin(server: &Server) -> Api {
    Api::new(&server.report().admin_url)
}

async fn metrics(api: &Api) -> BTreeMap<String, f64> {
    let answer = api.get("/metrics", &Caller::anon()).await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// A probe learns that an instance lives and is ready, and of each part whether it works.
#[tokio::test]
async fn a_healthy_instance_is_ready() {
    let server = Server::start().await;
    let api = admin(&server);
    assert_eq!(api.get("/livez", &Caller::anon()).await.expect(200).text(), "ok\n");
    let ready = api.get("/readyz", &Caller::anon()).await.expect(200).json();
    let fine = json!({"ok": true});
    assert_eq!(
        ready,
        json!({"status": "ready", "components": {
            "drain": fine, "feed": fine, "database": fine, "ledgers": fine, "signing_keys": fine,
        }})
    );
    server.shutdown().await;
}

/// The feed's state shows how far each gateway is and when it was last heard of, without anything having happened.
#[tokio::test]
async fn the_feed_is_told() {
    let server = Server::start().await;
    let api = admin(&server);
    let feed = testkit::eventually("the gateway has everything", || async {
        let feed = api.get("/feed", &Caller::anon()).await.expect(200).json();
        (feed["gateways"][0]["lag"] == 0).then_some(feed)
    })
    .await;
    assert_eq!(feed["gateways"][0]["name"], "local/a");
    assert_eq!(feed["gateways"][0]["enforced"], feed["revision"]);
    assert_eq!(feed["here"]["revision"], feed["revision"]);
    assert_eq!((&feed["here"]["is_away"], &feed["here"]["is_stale"]), (&json!(false), &json!(false)));
    assert_eq!(feed["here"]["staleness_seconds_max"], 24 * 3600);
    assert!(feed["gateways"][0]["heard_at"].is_string(), "{feed}");
    server.shutdown().await;
}

/// Requests, refusals, sessions and bytes are counted where they belong; everything in the reference is shown, and nothing else.
#[tokio::test]
async fn numbers_are_true() {
    let server = Server::start().await;
    let api = admin(&server);
    let (home, key) = (server.home(), server.key());
    home.job(&key).await;
    for _ in 0..3 {
        home.get("/v2/jobs", &key).await.expect(200);
    }
    home.get("/v2/jobs", &Caller::anon()).await.expect(401);
    home.get("/v3/nothing", &key).await.expect(404);
    home.get("/v1/projects", &Caller::anon()).await.expect(401);
    home.get("/v1/projects", &server.manager()).await.expect(200);
    let mut socket = Socket::open(&server.report().realtime_url, &key).await.unwrap();
    socket.begin().await;
    let before = metrics(&api).await;
    let of = |name: &str| *before.get(name).unwrap_or_else(|| panic!("{name} is missing: {before:#?}"));
    let requests = |labels: &str| of(&format!("voxgate_requests_total{{{labels}}}"));
    assert_eq!(requests(r#"region="eu1",product="batch",route="job_list",status="2xx""#), 3.0);
    assert_eq!(requests(r#"region="eu1",product="batch",route="job_list",status="4xx""#), 1.0);
    assert_eq!(requests(r#"region="eu1",product="batch",route="job_create",status="2xx""#), 1.0);
    assert_eq!(requests(r#"region="eu1",product="rt",route="realtime",status="1xx""#), 1.0);
    assert_eq!(requests(r#"region="none",product="none",route="management",status="4xx""#), 2.0);
    assert_eq!(of(r#"voxgate_refusals_total{region="eu1",reason="credential_missing"}"#), 1.0);
    assert_eq!(of(r#"voxgate_refusals_total{region="none",reason="credential_missing"}"#), 1.0);
    assert_eq!(of(r#"voxgate_refusals_total{region="none",reason="not_found"}"#), 1.0);
    assert_eq!(of(r#"voxgate_sessions_open{region="eu1",product="rt"}"#), 1.0);
    assert_eq!(of(r#"voxgate_sessions_total{region="eu1",product="rt"}"#), 1.0);
    assert_eq!(of(r#"voxgate_engine_up{region="eu1"}"#), 1.0);
    assert_eq!(of(r#"voxgate_request_seconds_count{route="job_list"}"#), 4.0);
    assert!(of(r#"voxgate_request_seconds_bucket{route="job_list",le="+Inf"}"#) == 4.0);
    assert!(of("voxgate_client_received_bytes_total") > testkit::speech_wav().len() as f64);
    assert!(of("voxgate_client_sent_bytes_total") > 500.0);
    assert!(of(r#"voxgate_database_write_seconds_count{database="control"}"#) > 3.0);
    assert!(of(r#"voxgate_database_write_seconds_count{database="eu1"}"#) > 1.0);
    assert!(of("voxgate_audit_events_total") > 3.0);
    assert_eq!(of("voxgate_feed_stale"), 0.0);
    assert!(of("process_open_fds") > 10.0 && of("process_resident_memory_bytes") > 1e6);
    assert!(of("process_max_fds") >= of("process_open_fds"));

    let text = api.get("/metrics", &Caller::anon()).await.text();
    let shown: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(shown, FAMILIES.iter().map(|family| family.name).collect());
    drop(socket);
    testkit::eventually("the session is over", || async {
        let after = metrics(&api).await;
        (after[r#"voxgate_sessions_open{region="eu1",product="rt"}"#] == 0.0
            && after["voxgate_session_seconds_count"] == 1.0)
            .then_some(())
    })
    .await;
    server.shutdown().await;
}

/// Nothing that the listener tells names a credential, a client_ref or a key, whatever clients send.
#[tokio::test]
async fn nothing_secret_is_told() {
    let server = Server::start().await;
    let key = common::make_key(&server, json!({"client_ref": "canary-client"})).await;
    server.home().get("/v2/jobs", &key.caller()).await.expect(200);
    server.home().get("/v3/canary-path?jwt=canary-query", &key.caller()).await.expect(404);
    let api = admin(&server);
    for path in ["/metrics", "/readyz", "/feed"] {
        let told = api.get(path, &Caller::anon()).await.text();
        for secret in ["canary", "key_", "vgk_", key.id.as_str(), &server.report().api_key] {
            assert!(!told.contains(secret), "{path} tells {secret}");
        }
    }
    server.shutdown().await;
}

/// Pages in browsers learn nothing here, and nothing can be changed.
#[tokio::test]
async fn only_tools_may_ask() {
    let server = Server::start().await;
    let api = admin(&server);
    let page = api.request(Method::GET, "/metrics").header("origin", "http://evil.example");
    api.ask(page).await.expect(403);
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        api.send(method, "/metrics", &Caller::anon()).await.expect(405);
    }
    api.get("/", &Caller::anon()).await.expect(404);
    api.get("/v2/jobs", &server.key()).await.expect(404);
    // A page that shows one of these in a frame, or as a script of its own, gets nothing of it either.
    for path in ["/livez", "/readyz", "/metrics", "/feed", "/"] {
        let answer = api.get(path, &Caller::anon()).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
    // What clients reach shows none of it.
    for path in ["/metrics", "/readyz", "/livez", "/feed"] {
        server.home().get(path, &server.manager()).await.expect(404);
    }
    server.shutdown().await;
}

/// An address that other machines reach must be meant; without an address there is no listener.
#[test]
fn the_listener_stays_on_loopback_unless_told() {
    let load = |text: &str| voxgate::config::load(text);
    let open = "[admin]\naddress = \"0.0.0.0:9180\"\n";
    let found = load(open).unwrap_err();
    assert_eq!((found[0].line, found[0].setting.as_str()), (2, "admin.address"));
    assert!(found[0].message.contains("open_to_network"), "{found:?}");
    assert!(load(&format!("{open}open_to_network = true\n")).is_ok());
    assert_eq!(load("").unwrap().settings.admin.address, Some(([127, 0, 0, 1], 9180).into()));
    assert_eq!(load("[admin]\naddress = \"\"\n").unwrap().settings.admin.address, None);
    assert!(load("[admin]\naddress = \"9180\"\n").is_err());
}

/// A probe in an image that holds nothing but the program gets an exit code: ready, and not there.
#[tokio::test]
async fn a_probe_without_a_shell() {
    let program = Program::start("", "").await;
    let health = async |admin: String| {
        let mut probe = tokio::process::Command::new(BINARY);
        testkit::within("the probe", probe.args(["health", "--admin", &admin]).output()).await.unwrap()
    };
    let well = health(program.admin.to_string()).await;
    assert_eq!(well.status.code(), Some(0), "{}", String::from_utf8_lossy(&well.stderr));
    let said: Value = serde_json::from_slice(&well.stdout).unwrap();
    assert_eq!(said["status"], "ready");
    let admin = program.admin.to_string();
    program.end().await;
    let gone = health(admin).await;
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("nothing answers"));
}
