//! Quotas on audio, and usage of jobs and refusals, against the whole product.

use serde_json::{Value, json};
use testkit::{Api, Caller, Mint, Process, Server, Socket, eventually};

use crate::command::{binary, failed, json, ok, run, run_with};
use crate::common::make_key;

/// A second of audio in the form that `Socket::start` declares.
const SECOND_BYTES: usize = 32_000;

async fn set(home: &Api, manager: &Caller, body: Value) {
    let answer = home.request(reqwest::Method::PUT, "/v1/quotas?wait=enforced").json(&body);
    let answer =
        home.ask(answer.header("authorization", manager.header_values().remove(0))).await.expect(200);
    assert_eq!(answer.json()["pending"], json!([]));
}

/// Plays so many seconds; says how the session ends where it doesn't go on that long.
async fn play(url: &str, caller: &Caller, seconds: usize) -> Result<(), (String, u16)> {
    let mut socket = Socket::open(url, caller).await.expect("quotas are told in-band");
    socket.start().await;
    let first = loop {
        match socket.next().await {
            testkit::Event::Json(message) if message["message"] == "Info" => {}
            testkit::Event::Json(message) => break message,
            other => panic!("{other:?}"),
        }
    };
    let ended = |error: Value, code| Err((error["type"].as_str().unwrap().to_owned(), code));
    if first["message"] == "Error" {
        let testkit::Event::Closed { code, .. } = socket.next().await else { panic!("no close frame") };
        return ended(first, code);
    }
    for _ in 0..seconds {
        if !socket.try_send_audio(vec![0; SECOND_BYTES]).await {
            break;
        }
    }
    socket.try_send(&json!({"message": "EndOfStream", "last_seq_no": seconds})).await;
    loop {
        match socket.next().await {
            testkit::Event::Json(message) if message["message"] == "EndOfTranscript" => return Ok(()),
            testkit::Event::Json(message) if message["message"] == "Error" => {
                let testkit::Event::Closed { code, .. } = socket.next().await else {
                    panic!("no close frame")
                };
                return ended(message, code);
            }
            testkit::Event::Json(_) | testkit::Event::Bytes(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A quota that is set over the API holds at once, for sessions and jobs, and over a restart; what is used of it is told, and the
/// command tells the same. Another project has its own; taking it away lets everybody in again.
#[tokio::test]
async fn quotas_hold_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap().to_owned();
    let mut server = Process::start(binary(), folder.path(), &[]).await;
    let project = server.report().project_id;
    let body = json!({"project_id": project, "scope": "project", "audio_seconds_per_month_max": 10});
    set(&server.home(), &server.manager(), body).await;
    let spent = || Err(("timelimit_exceeded".to_owned(), 4006));
    assert_eq!(play(&server.report().realtime_url, &server.key(), 8).await, Ok(()));
    for restarted in [false, true] {
        if restarted {
            assert!(server.terminate().await.0);
            server = Process::start(binary(), folder.path(), &[]).await;
        }
        let (home, url) = (server.home(), server.report().realtime_url.clone());
        if !restarted {
            assert_eq!(play(&url, &server.key(), 3).await, spent());
        }
        assert_eq!(play(&url, &server.key(), 1).await, spent());
        let refused = home.create_job(&server.key()).await;
        assert!(
            refused.expect_refusal(403, "audio_spent").json()["detail"]
                .as_str()
                .unwrap()
                .contains("10 seconds")
        );
        eventually("all that was used to be told", async || {
            let quotas = home.get("/v1/quotas", &server.manager()).await.expect(200).json();
            assert_eq!(quotas["audio_seconds_per_month_max"], Value::Null);
            let used = quotas["quotas"][0]["audio_seconds_used"].as_f64().unwrap();
            assert!(used <= 10.0, "{used}");
            (used == 10.0 && quotas["audio_seconds_used"] == 10.0).then_some(())
        })
        .await;
    }
    let near = json(&run(&["quotas", "list", "--json", "--data-dir", &dir]).await);
    let token = ok(&run(&["tokens", "create", "--permissions", "all", "--data-dir", &dir]).await);
    let url = server.report().management_url.clone();
    let remotely = async |arguments: &[&str]| {
        run_with(&[arguments, &["--server", &url]].concat(), &[("VOXGATE_MANAGEMENT_TOKEN", &token)], "")
            .await
    };
    assert_eq!(near, json(&remotely(&["quotas", "list", "--json"]).await));
    assert_eq!(near["quotas"][0]["scope"], "project");
    ok(&remotely(&["quotas", "remove"]).await);
    assert!(failed(&remotely(&["quotas", "remove"]).await).contains("no such quota"));
    assert_eq!(play(&server.report().realtime_url, &server.key(), 1).await, Ok(()));
    server.home().create_job(&server.key()).await.expect(201);
    ok(&run(&["quotas", "set", "--each-client-ref", "--audio-seconds", "1", "--data-dir", &dir]).await);
    let ann = Mint::of("rt").client_ref("ann").key(&server.home(), &server.key()).await;
    assert_eq!(play(&server.report().realtime_url, &Caller::temporary_key(&ann), 2).await, spent());
    assert_eq!(play(&server.report().realtime_url, &server.key(), 2).await, Ok(()), "nobody in particular");
    ok(&run(&["workspaces", "change", "--audio-seconds-per-month-max", "1", "--data-dir", &dir]).await);
    assert_eq!(play(&server.report().realtime_url, &server.key(), 2).await, spent());
    assert!(server.terminate().await.0);
}

/// Whoever may not manage projects sets no quota, nobody sets one in another workspace, and values of the wrong form are named.
#[tokio::test]
async fn quotas_are_their_owners() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let key = make_key(&server, json!({})).await;
    let put = async |caller: &Caller, body: Value| {
        let request = home.request(reqwest::Method::PUT, "/v1/quotas").json(&body);
        home.ask(request.header("authorization", caller.header_values().remove(0))).await
    };
    let project = server.report().project_id;
    let quota = |scope: &str, name: Value| json!({"project_id": project, "scope": scope, "name": name, "audio_seconds_per_month_max": 5});
    put(&manager, quota("api_key", json!(key.id))).await.expect(200);
    put(&server.key(), quota("project", Value::Null)).await.expect_refusal(401, "credential_unknown");
    put(&manager, json!({"project_id": 999_999, "scope": "project", "audio_seconds_per_month_max": 5}))
        .await
        .expect_refusal(404, "not_found");
    put(&manager, quota("api_key", json!("key_00000000000000000000000000")))
        .await
        .expect_refusal(404, "not_found");
    for wrong in [
        quota("api_key", json!("key")),
        quota("api_key", Value::Null),
        quota("project", json!("x")),
        quota("month", Value::Null),
        json!({"project_id": project, "scope": "project", "audio_seconds_per_month_max": -1}),
        json!({"scope": "project", "audio_seconds_per_month_max": 1}),
        json!({"project_id": project, "scope": "project", "more": 1}),
    ] {
        put(&manager, wrong).await.expect_refusal(422, "invalid_value");
    }
    let listed = home.get("/v1/quotas", &manager).await.expect(200).json();
    assert_eq!(listed["quotas"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed["quotas"][0]["name"], &listed["quotas"][0]["audio_seconds_used"]),
        (&json!(key.id), &json!(0.0))
    );
    server.shutdown().await;
}

/// The audio of a job is in the usage once it is done, once, and refusals are told by their reasons.
#[tokio::test]
async fn jobs_and_refusals_are_in_the_usage() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let id = home.job(&server.key()).await;
    let done = eventually("the job to be done", async || {
        let job = home.get(&format!("/v2/jobs/{id}"), &server.key()).await.expect(200).json()["job"].take();
        (job["status"] == "done").then_some(job)
    })
    .await;
    home.get("/v2/jobs/unknown", &server.key()).await.expect_refusal(404, "job_not_found");
    let row = eventually("its audio to be told", async || {
        let usage = home.get("/v1/usage?group_by=mode", &manager).await.expect(200).json()["usage"].take();
        let row = usage[0].clone();
        (row["audio_seconds"].as_f64() > Some(0.0) && row["refusals"] == 1).then_some(row)
    })
    .await;
    assert_eq!(row["mode"], "batch");
    assert!(
        (row["audio_seconds"].as_f64().unwrap() - done["duration"].as_f64().unwrap()).abs() < 0.001,
        "{row} {done}"
    );
    assert_eq!(row["refusals_by_reason"], json!({"job_not_found": 1}));
    assert!(row["received_bytes"].as_u64().unwrap() > 1000);
    server.shutdown().await;
}
