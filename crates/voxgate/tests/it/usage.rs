//! Usage adds up: what was done is what is told, to whom it belongs.

use serde_json::{Value, json};
use testkit::{Api, Caller, Mint, Process, Server, Socket, eventually};

use crate::command::{binary, failed, json, ok, run, run_with};
use crate::common::{make_key_in, make_project, with_jwt};

/// Opens a session, sends so much audio (100 ms a piece), and closes it.
async fn session(url: &str, caller: &Caller, pieces: usize) {
    let mut socket = Socket::open(url, caller).await.unwrap();
    socket.begin().await;
    for _ in 0..pieces {
        socket.send_audio(vec![0; 3200]).await;
        socket.until("AudioAdded").await;
    }
    socket.send(&json!({"message": "EndOfStream", "last_seq_no": pieces})).await;
    socket.until("EndOfTranscript").await;
}

/// Usage, once it has come to what is expected; counters of bytes and refusals are not looked at.
async fn comes_to(home: &Api, caller: &Caller, query: &str, expected: Value) {
    let seen = std::cell::RefCell::new(Value::Null);
    let waited = eventually(query, async || {
        let mut usage =
            home.get(&format!("/v1/usage?{query}"), caller).await.expect(200).json()["usage"].take();
        for row in usage.as_array_mut().unwrap() {
            let row = row.as_object_mut().unwrap();
            assert!(
                row.remove("received_bytes").unwrap().is_u64()
                    && row.remove("refusals").unwrap().is_u64()
                    && row.remove("refusals_by_reason").unwrap().is_object()
            );
        }
        let is_there = usage == expected;
        seen.replace(usage);
        is_there.then_some(())
    });
    if tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.is_err() {
        panic!("{query}: {:#}\nexpected {expected:#}", seen.borrow());
    }
}

/// Sessions, audio and requests are told by project, key, end user, region and mode, and all ways of telling them apart
/// add up to the same.
#[tokio::test]
async fn usage_adds_up() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let eu1 = server.report().realtime_url.clone();
    let us1 = server.report().regions["us1"].realtime_url.clone().unwrap();
    let first = server.report().project_id;
    let second = make_project(&server, "second").await;
    let here = make_key_in(&home, &manager, first, json!({"areas": ["eu", "usa"]})).await;
    let there = make_key_in(&home, &manager, second, json!({})).await;
    let token = Mint::of("rt").client_ref("ann").key(&home, &here.caller()).await;
    session(&with_jwt(&eu1, &token), &Caller::anon(), 3).await;
    session(&us1, &here.caller(), 2).await;
    session(&eu1, &there.caller(), 1).await;
    for _ in 0..2 {
        home.get("/v2/jobs", &there.caller()).await.expect(200);
    }
    let row = |mut row: Value, audio: f64, sessions: u64, requests: u64| {
        row["audio_seconds"] = json!(audio);
        row["sessions"] = json!(sessions);
        row["requests"] = json!(requests);
        row
    };
    // Sessions are no requests.
    comes_to(&home, &manager, "", json!([row(json!({}), 0.6, 3, 2)])).await;
    let by_project =
        json!([row(json!({"project_id": first}), 0.5, 2, 0), row(json!({"project_id": second}), 0.1, 1, 2),]);
    comes_to(&home, &manager, "group_by=project", by_project).await;
    let mut by_key =
        vec![row(json!({"apikey_id": here.id}), 0.5, 2, 0), row(json!({"apikey_id": there.id}), 0.1, 1, 2)];
    by_key.sort_by_key(|row| row["apikey_id"].to_string());
    comes_to(&home, &manager, "group_by=api_key", json!(by_key)).await;
    let by_user =
        json!([row(json!({"client_ref": null}), 0.3, 2, 2), row(json!({"client_ref": "ann"}), 0.3, 1, 0)]);
    comes_to(&home, &manager, "group_by=client_ref", by_user).await;
    let by_region =
        json!([row(json!({"region": "eu1"}), 0.4, 2, 2), row(json!({"region": "us1"}), 0.2, 1, 0)]);
    comes_to(&home, &manager, "group_by=region", by_region).await;
    let by_mode =
        json!([row(json!({"mode": "batch"}), 0.0, 0, 2), row(json!({"mode": "realtime"}), 0.6, 3, 0)]);
    comes_to(&home, &manager, "group_by=mode", by_mode).await;
    let narrow = json!([row(json!({"project_id": second, "mode": "realtime"}), 0.1, 1, 0)]);
    let query = format!("group_by=mode,project&apikey_id={}&region=eu1", there.id);
    let rows = home.get(&format!("/v1/usage?{query}"), &manager).await.expect(200).json();
    assert_eq!(rows["usage"][1]["project_id"], narrow[0]["project_id"]);
    assert_eq!(rows["usage"][1]["sessions"], narrow[0]["sessions"]);
    comes_to(&home, &manager, "client_ref=ann", json!([row(json!({}), 0.3, 1, 0)])).await;
    comes_to(&home, &manager, "client_ref=bob", json!([row(json!({}), 0.0, 0, 0)])).await;
    comes_to(&home, &manager, "until=2020-01-01", json!([row(json!({}), 0.0, 0, 0)])).await;
    comes_to(&home, &manager, "until=2020-01-01&group_by=day", json!([])).await;

    let days = home.get("/v1/usage?group_by=day", &manager).await.expect(200).json();
    let (since, until) = (days["since"].as_str().unwrap(), days["until"].as_str().unwrap());
    assert!(since.len() == 10 && until.len() == 10 && since < until, "{days}");
    let day = days["usage"][0]["day"].as_str().unwrap();
    assert!(since < day && day <= until, "{days}");
    for query in [
        "since=yesterday",
        "since=2026-02-30",
        "since=2026-11-25T00:00:00Z",
        "until=",
        "group_by=",
        "group_by=day,week",
        "group_by=day;mode",
        "since=2026-11-26&until=2026-11-25",
        "region=eu9",
    ] {
        home.get(&format!("/v1/usage?{query}"), &manager).await.expect_refusal(422, "invalid_value");
    }
    home.get("/v1/usage", &server.key()).await.expect_refusal(401, "credential_unknown");
    server.shutdown().await;
}

/// Nobody reads another workspace's usage; an operator does, by naming it. The commands tell what the API tells.
#[tokio::test]
async fn usage_of_others_is_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let home = server.home();
    session(&server.report().realtime_url, &server.key(), 2).await;
    let total = json!([{"audio_seconds": 0.2, "sessions": 1, "requests": 0}]);
    comes_to(&home, &server.manager(), "", total.clone()).await;
    let workspaces = json(&run(&["workspaces", "list", "--json", "--data-dir", dir]).await);
    let ours = workspaces[0]["workspace_id"].as_str().unwrap().to_owned();
    let made = json(&run(&["workspaces", "create", "--name", "other", "--json", "--data-dir", dir]).await);
    let theirs = made["workspace_id"].as_str().unwrap();
    let token = async |permissions: &str| {
        let create =
            ["tokens", "create", "--permissions", permissions, "--workspace", theirs, "--data-dir", dir];
        ok(&run(&create).await)
    };
    let stranger = Caller::management_token(&token("all").await);
    let nothing = json!([{"audio_seconds": 0.0, "sessions": 0, "requests": 0}]);
    comes_to(&home, &stranger, "", nothing.clone()).await;
    let project = server.report().project_id;
    comes_to(&home, &stranger, &format!("project_id={project}"), nothing).await;
    let named = format!("/v1/usage?workspace_id={ours}");
    home.get(&named, &stranger).await.expect_refusal(403, "permission_missing");
    let blind = Caller::management_token(&token("operate_instance").await);
    home.get(&named, &blind).await.expect_refusal(403, "permission_missing");
    let secret = token("operate_instance,view_usage").await;
    let operator = Caller::management_token(&secret);
    comes_to(&home, &operator, &format!("workspace_id={ours}"), total).await;

    let ask = ["usage", "--by", "day,mode", "--json", "--workspace", &ours];
    let near = json(&run(&[&ask[..], &["--data-dir", dir]].concat()).await);
    let far = [&ask[..], &["--server", &server.report().management_url]].concat();
    let far = json(&run_with(&far, &[("VOXGATE_MANAGEMENT_TOKEN", &secret)], "").await);
    assert_eq!(near, far);
    assert_eq!((&near["usage"][0]["mode"], &near["usage"][0]["sessions"]), (&json!("realtime"), &json!(1)));
    let table = ok(&run(&["usage", "--by", "mode", "--workspace", &ours, "--data-dir", dir]).await);
    assert!(table.contains("MODE") && table.contains("realtime") && table.contains("0.2"), "{table}");
    assert_eq!(run(&["usage", "--since", "yesterday", "--data-dir", dir]).await.status.code(), Some(2));
    let late =
        ["usage", "--since", "2026-11-26", "--until", "2026-11-25", "--workspace", &ours, "--data-dir", dir];
    assert!(failed(&run(&late).await).contains("comes after"));
    assert!(server.terminate().await.0);
}
