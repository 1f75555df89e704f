//! What an engine is told, and what a client gets to see of it.

use gateway::Upstream;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{Answer, Setup, World, soon};

/// Names of ours, and what could pass for them.
const IDENTITY: &[&str] = &[
    "voxgate-workspace",
    "voxgate-project",
    "voxgate-key",
    "voxgate-client-ref",
    "voxgate-region",
    "voxgate-request-id",
];

/// Identity is set always and is ours: whatever a client sends under those names, in whatever spelling, never arrives.
#[tokio::test]
async fn identity_is_ours() {
    let world = World::new().await;
    let key = world.key().await;
    let temporary = world.temporary(&key, Some("änn/1 %"));
    let job = world.create(&temporary).await;
    let mut request = world.request(Method::GET, &format!("/v2/jobs/{job}"), &temporary);
    for name in IDENTITY {
        for spelling in [
            (*name).to_owned(),
            name.replace('-', "_"),
            format!("x-{name}"),
            name.to_uppercase(),
            format!("{name}."),
        ] {
            request = request.header(spelling, "forged").header(*name, "forged again");
        }
    }
    for name in ["x-sm-processing-data", "x_sm_processing_data"] {
        request = request.header(name, r#"{"user_id":"forged","parallel_engines":3}"#);
    }
    for name in [
        "cookie",
        "x-forwarded-for",
        "forwarded",
        "x-original-url",
        "proxy-authorization",
        "jwt",
        "api_key",
        "x-http-method-override",
    ] {
        request = request.header(name, "forged");
    }
    request =
        request.header("x-request-id", "mine").header("x-sm-ear-tag", "early").header("user-agent", "tester");
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 200);
    let seen = world.engine.last().headers;
    assert!(!format!("{seen:?}").contains("forged"), "{seen:?}");
    assert!(!format!("{seen:?}").contains(&temporary), "the credential ends at the gateway");
    assert_eq!(seen["voxgate-workspace"], world.workspace.to_string());
    assert_eq!(seen["voxgate-project"], "7");
    assert_eq!(seen["voxgate-key"], key.record.id.to_string());
    assert_eq!(seen["voxgate-client-ref"], "%C3%A4nn%2F1%20%25");
    assert_eq!(seen["voxgate-region"], "eu1");
    assert_eq!(seen["voxgate-request-id"], answer.headers["request-id"]);
    assert_eq!(seen["authorization"], "Bearer engine-token");
    assert_eq!(
        (&seen["x-request-id"], &seen["x-sm-ear-tag"], &seen["user-agent"]),
        (&"mine".parse().unwrap(), &"early".parse().unwrap(), &"tester".parse().unwrap())
    );
    assert_eq!(seen["host"], world.engine.address.to_string());
    for name in seen.keys() {
        assert_eq!(seen.get_all(name).iter().count(), 1, "{name}");
    }
}

/// Without a client_ref there is none, whatever the client says; the key of the project carries the rest.
#[tokio::test]
async fn no_client_ref_is_no_header() {
    let world = World::new().await;
    let key = world.key().await;
    let request = world.request(Method::GET, "/v2/jobs/x", key.bearer());
    assert_eq!(Answer::of(request).await.status, 404);
    let form = reqwest::multipart::Form::new().text("config", "{}");
    let create = world.request(Method::POST, "/v2/jobs", key.bearer()).multipart(form);
    let create = create.header("voxgate-client-ref", "ann").header("voxgate_client_ref", "ann");
    assert_eq!(Answer::of(create).await.status, 201);
    let seen = world.engine.last();
    assert!(!seen.headers.contains_key("voxgate-client-ref"));
    assert!(seen.headers["content-type"].to_str().unwrap().starts_with("multipart/form-data"));
    assert!(String::from_utf8(seen.body).unwrap().contains("config"));
}

/// The engine's user_id is the same for the same project and client_ref, differs for others, and tells neither; of the client's
/// own processing data the number of engines stays.
#[tokio::test]
async fn user_ids_are_pseudonyms() {
    let world = World::new().await;
    let (key, again) = (world.key().await, world.key().await);
    let other = world.key_with(|record| record.project_id = crate::world::OTHER_PROJECT).await;
    let mut ids = Vec::new();
    for credential in [
        key.bearer().to_owned(),
        again.bearer().to_owned(),
        other.bearer().to_owned(),
        world.temporary(&key, Some("ann")),
        world.temporary(&again, Some("ann")),
        world.temporary(&key, Some("bob")),
    ] {
        let request = world.request(Method::POST, "/v2/jobs", &credential);
        let data = r#"{"parallel_engines":4,"user_id":"victim"}"#;
        assert_eq!(Answer::of(request.header("x-sm-processing-data", data)).await.status, 201);
        let headers = world.engine.last().headers;
        let data: serde_json::Value =
            serde_json::from_str(headers["x-sm-processing-data"].to_str().unwrap()).unwrap();
        assert_eq!(data["parallel_engines"], 4);
        ids.push(data["user_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((&ids[0], &ids[3]), (&ids[1], &ids[4]));
    let mut different = vec![&ids[0], &ids[2], &ids[3], &ids[5]];
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 4);
    assert!(ids.iter().all(|id| id.len() == 32 && !id.contains("ann") && id != "7"));
}

/// `Connection` can take a client's own header away, and never one of ours.
#[tokio::test]
async fn connection_takes_nothing_of_ours() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let nominated =
        format!("keep-alive, x-request-id, x-sm-processing-data, authorization, {}", IDENTITY.join(", "));
    let request = world.request(Method::GET, &format!("/v2/jobs/{job}"), key.bearer());
    let request =
        request.header("connection", nominated).header("x-request-id", "mine").header("user-agent", "tester");
    assert_eq!(Answer::of(request).await.status, 200);
    let seen = world.engine.last().headers;
    for name in IDENTITY.iter().filter(|name| **name != "voxgate-client-ref") {
        assert!(seen.contains_key(*name), "{name}");
    }
    assert!(seen.contains_key("x-sm-processing-data"));
    assert!(!seen.contains_key("x-request-id"));
    assert_eq!(seen["user-agent"], "tester");
}

/// The engine's own headers stay inside, those that a client needs go out; its base path is its own matter.
#[tokio::test]
async fn engine_headers_stay_inside() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let answer = world.get(&format!("/v2/jobs/{job}/data"), key.bearer()).await;
    assert_eq!(answer.headers["content-type"], "audio/wav");
    assert!(!answer.headers.contains_key("server") && !answer.headers.contains_key("set-cookie"));

    let based = World::with(Setup { engine_base: "/engine", ..Setup::default() }).await;
    let key = based.key().await;
    assert_eq!(
        Answer::of(based.request(Method::POST, "/v2/jobs?jwt=x&sm-sdk=y", key.bearer())).await.status,
        404
    );
    assert_eq!(based.engine.last().target, "/engine/v2/jobs", "and the client's query stays behind");
}

/// An engine's refusal reaches the client in the published form: its words where they are about the request, ours where they
/// would tell of its inside; with a stable reason always.
#[tokio::test]
async fn engine_refusals_are_translated() {
    let world = World::new().await;
    let key = world.key().await;
    for (status, body, expected_status, expected_error, detail, reason) in [
        (
            400,
            r#"{"code":400,"error":"Job rejected","detail":"Job config JSON is invalid"}"#,
            400,
            "Job rejected",
            Some("Job config JSON is invalid"),
            "engine_refused",
        ),
        (400, r#"{"detail":[{"loc":["/srv/app.py"]}]}"#, 400, "Bad Request", None, "engine_refused"),
        (400, "<html>nginx</html>", 400, "Bad Request", None, "engine_refused"),
        (
            404,
            r#"{"error":"Transcription not ready"}"#,
            404,
            "Transcription not ready",
            None,
            "engine_refused",
        ),
        (404, r#"{"error":"Job not found"}"#, 404, "Job not found", None, "job_not_found"),
        (410, r#"{"error":"File Expired"}"#, 410, "File Expired", None, "job_expired"),
        (422, r#"{"error":"Unknown word"}"#, 422, "Unprocessable Entity", None, "invalid_value"),
        (423, "", 423, "Resource Locked", None, "job_running"),
        (429, "", 429, "Max concurrent running jobs exceeded", None, "rate_limited"),
        (
            401,
            r#"{"error":"Permission Denied","detail":"token of the gateway"}"#,
            503,
            "Internal Server Error",
            None,
            "engine_down",
        ),
        (
            403,
            r#"{"error":"Forbidden","detail":"token of the gateway"}"#,
            503,
            "Internal Server Error",
            None,
            "engine_down",
        ),
        (
            500,
            r#"{"error":"Internal Server Error","detail":"panicked at src/x.py"}"#,
            500,
            "Internal Server Error",
            None,
            "internal",
        ),
        (503, r#"{"detail":"Server busy: 4/4"}"#, 503, "Internal Server Error", None, "engine_down"),
        (302, "", 503, "Internal Server Error", None, "engine_down"),
    ] {
        world.engine.answer_next(status, body);
        let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
        assert_eq!(answer.status.as_u16(), expected_status, "{status} {body}");
        assert_eq!(answer.json()["error"], expected_error);
        assert_eq!(answer.json()["code"], expected_status);
        assert_eq!(answer.reason(), reason);
        if let Some(detail) = detail {
            assert_eq!(answer.json()["detail"], detail);
        }
        for secret in ["token of the gateway", "panicked", "/srv", "nginx", "Server busy"] {
            assert!(!answer.text().contains(secret), "{}", answer.text());
        }
        assert!(answer.headers.contains_key("request-id"));
    }
    assert!(world.running().ledger.open_intents().await.unwrap().is_empty());
}

/// An engine that is busy tells when to come again, and where it doesn't, the gateway does; other refusals name no time.
#[tokio::test]
async fn who_is_refused_for_now_is_told_when_to_come_again() {
    let engine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", engine.local_addr().unwrap())).unwrap();
    let world = World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await;
    let key = world.key().await;
    for (answer, expected) in
        [("429 Busy\r\nretry-after: 17", Some("17")), ("429 Busy", Some("5")), ("400 No", None)]
    {
        let asking = tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())));
        let mut asked = soon(engine.accept()).await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(asked.read_u8()).await.unwrap());
        }
        let answer = format!("HTTP/1.1 {answer}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        asked.write_all(answer.as_bytes()).await.unwrap();
        let told = soon(asking).await.unwrap();
        assert_eq!(told.headers.get("retry-after").map(|value| value.to_str().unwrap()), expected);
    }
}
