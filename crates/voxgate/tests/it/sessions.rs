//! Open sessions: seen and ended by whom they belong to.

use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{Caller, Mint, Process, Server, Socket, eventually, within};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::command::{binary, failed, json, ok, run, run_with};
use crate::common::{make_key, make_key_in, make_project, with_jwt};

/// An open session of an API key, which has sent some audio.
async fn session(url: &str, caller: &Caller) -> Socket {
    let mut socket = Socket::open(url, caller).await.unwrap();
    socket.begin().await;
    socket.send_audio(vec![0; 3200]).await;
    socket.until("AudioAdded").await;
    socket
}

/// A list says of each open session whose it is, where, since when and how much it heard; each filter narrows it; pages
/// tell the same; what has closed is gone.
#[tokio::test]
async fn open_sessions_are_listed() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let eu1 = server.report().realtime_url.clone();
    let us1 = server.report().regions["us1"].realtime_url.clone().unwrap();
    let project = make_project(&server, "second").await;
    let key = make_key(&server, json!({"areas": ["eu", "usa"]})).await;
    let other = make_key_in(&home, &manager, project, json!({})).await;
    assert_eq!(home.get("/v1/sessions", &manager).await.expect(200).json()["sessions"], json!([]));
    let answer = Mint::of("rt").client_ref("ann & bob").ask(&home, &key.caller()).await.expect(201);
    let jti = answer.header("temporary-key-id").to_owned();
    let token = answer.json()["key_value"].as_str().unwrap().to_owned();
    let first = session(&with_jwt(&eu1, &token), &Caller::anon()).await;
    let _second = session(&us1, &key.caller()).await;
    let _third = session(&eu1, &other.caller()).await;

    let list = home.get("/v1/sessions", &manager).await.expect(200).json();
    assert_eq!((&list["pending"], &list["next"]), (&json!([]), &Value::Null));
    let sessions = list["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 3);
    let shown = &sessions[0];
    let expected = json!({"session_id": shown["session_id"], "apikey_id": key.id, "jti": jti,
        "project_id": server.report().project_id, "client_ref": "ann & bob", "region": "eu1", "product": "rt",
        "started_at": shown["started_at"], "audio_seconds": 0.1, "peer": "127.0.0.1"});
    assert_eq!(*shown, expected);
    assert!(shown["session_id"].as_str().unwrap().starts_with("ses_"));
    for (query, expected) in [
        (format!("project_id={project}"), vec![2]),
        (format!("apikey_id={}", key.id), vec![0, 1]),
        ("client_ref=ann%20%26%20bob".to_owned(), vec![0]),
        ("client_ref=ann".to_owned(), vec![]),
        ("region=us1".to_owned(), vec![1]),
        (format!("region=eu1&apikey_id={}", other.id), vec![2]),
        ("project_id=999999".to_owned(), vec![]),
    ] {
        let list = home.get(&format!("/v1/sessions?{query}"), &manager).await.expect(200).json();
        let expected: Vec<&Value> = expected.iter().map(|index: &usize| &sessions[*index]).collect();
        assert_eq!(list["sessions"], json!(expected), "{query}");
    }
    for query in ["region=eu9", "apikey_id=x", "client_ref=", "project_id=x", "limit=0", "after=x"] {
        let answer = home.get(&format!("/v1/sessions?{query}"), &manager).await;
        answer.expect_refusal(422, "invalid_value");
    }
    let page = home.get("/v1/sessions?limit=2", &manager).await.expect(200).json();
    assert_eq!(page["sessions"], json!(sessions[..2]));
    let rest = format!("/v1/sessions?limit=2&after={}", page["next"].as_str().unwrap());
    let rest = home.get(&rest, &manager).await.expect(200).json();
    assert_eq!((&rest["sessions"], &rest["next"]), (&json!(sessions[2..]), &Value::Null));
    drop(first);
    eventually("the closed session to be gone", async || {
        let list = home.get("/v1/sessions", &manager).await.expect(200).json();
        (list["sessions"] == json!(sessions[1..])).then_some(())
    })
    .await;
    server.shutdown().await;
}

/// Ending a session tells its client why, and leaves its neighbour and its key alone; an ended one can't be ended again.
#[tokio::test]
async fn an_ended_session_hears_why() {
    let server = Server::start().await;
    let (home, manager) = (server.home(), server.manager());
    let url = server.report().realtime_url.clone();
    let mut doomed = session(&url, &server.key()).await;
    let mut spared = session(&url, &server.key()).await;
    let list = home.get("/v1/sessions", &manager).await.expect(200).json();
    let path = format!("/v1/sessions/{}", list["sessions"][0]["session_id"].as_str().unwrap());
    let reason = json!({"reason": "maintenance at noon: come back at one"});
    let body = serde_json::to_vec(&reason).unwrap();
    let end = async |path: &str, caller: &Caller, body: &[u8]| {
        home.send_bytes(reqwest::Method::DELETE, path, caller, body.to_vec()).await
    };
    for wrong in [&br#"{"reason":7}"#[..], br#"{"reason":"a\nb"}"#, br#"{"raeson":"x"}"#] {
        end(&path, &manager, wrong).await.expect_refusal(422, "invalid_value");
    }
    end(&path, &server.key(), &body).await.expect_refusal(401, "credential_unknown");
    let answer = end(&path, &manager, &body).await.expect(200);
    assert_eq!(answer.json(), json!({"status": "OK"}));
    let (error, code) = doomed.until_refused().await;
    assert_eq!((error["type"].as_str(), code), (Some("not_allowed"), 4003), "{error}");
    assert_eq!(error["reason"], reason["reason"]);
    spared.send_audio(vec![0; 3200]).await;
    spared.until("AudioAdded").await;
    session(&url, &server.key()).await;
    eventually("the ended session to be unknown", async || {
        (end(&path, &manager, b"").await.status == 404).then_some(())
    })
    .await;
    let nobody = "/v1/sessions/ses_00000000000000000000000000";
    end(nobody, &manager, b"").await.expect_refusal(404, "not_found");
    server.shutdown().await;
}

/// Nobody sees or ends another workspace's sessions; an operator does, by naming the workspace.
#[tokio::test]
async fn sessions_of_others_are_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let home = server.home();
    let mut open = session(&server.report().realtime_url, &server.key()).await;
    let list = home.get("/v1/sessions", &server.manager()).await.expect(200).json();
    let path = format!("/v1/sessions/{}", list["sessions"][0]["session_id"].as_str().unwrap());
    let made = json(&run(&["workspaces", "create", "--name", "other", "--json", "--data-dir", dir]).await);
    let theirs = made["workspace_id"].as_str().unwrap();
    let token = async |permissions: &str| {
        let create =
            ["tokens", "create", "--permissions", permissions, "--workspace", theirs, "--data-dir", dir];
        Caller::management_token(&ok(&run(&create).await))
    };
    let stranger = token("all").await;
    assert_eq!(home.get("/v1/sessions", &stranger).await.expect(200).json()["sessions"], json!([]));
    home.delete(&path, &stranger).await.expect_refusal(404, "not_found");
    let workspaces = json(&run(&["workspaces", "list", "--json", "--data-dir", dir]).await);
    let ours = workspaces[0]["workspace_id"].as_str().unwrap().to_owned();
    let named = |path: &str| format!("{path}?workspace_id={ours}");
    home.get(&named("/v1/sessions"), &stranger).await.expect_refusal(403, "permission_missing");
    home.delete(&named(&path), &stranger).await.expect_refusal(403, "permission_missing");
    let operator = token("operate_instance").await;
    home.get(&named("/v1/sessions"), &operator).await.expect_refusal(403, "permission_missing");
    let operator = token("operate_instance,view_sessions,end_sessions").await;
    let seen = home.get(&named("/v1/sessions"), &operator).await.expect(200).json();
    assert_eq!(seen["sessions"], list["sessions"]);
    open.send_audio(vec![0; 3200]).await;
    open.until("AudioAdded").await;
    home.delete(&named(&path), &operator).await.expect(200);
    assert_eq!(open.until_refused().await.1, 4003);
    assert!(server.terminate().await.0);
}

/// The same by command, over the socket and from afar; watching shows what opens and closes.
#[tokio::test]
async fn by_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let url = server.report().realtime_url.clone();
    let far = async |arguments: &[&str]| {
        let all = [&["sessions"], arguments, &["--server", &server.report().management_url]].concat();
        run_with(&all, &[("VOXGATE_MANAGEMENT_TOKEN", &server.report().management_token)], "").await
    };
    let near =
        async |arguments: &[&str]| run(&[&["sessions"], arguments, &["--data-dir", dir]].concat()).await;
    let mut watch = tokio::process::Command::new(binary())
        .args(["sessions", "watch", "--json", "--data-dir", dir])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut socket = session(&url, &server.key()).await;
    let mut told = async || -> Value {
        let line = within("a line of the watch", lines.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    };
    let opened = told().await;
    assert_eq!(opened["event"], "opened");
    let (listed, from_afar) = (json(&near(&["list", "--json"]).await), json(&far(&["list", "--json"]).await));
    assert_eq!(listed, from_afar);
    assert_eq!(listed[0]["session_id"], opened["session"]["session_id"]);
    assert_eq!(json(&far(&["list", "--region", "us1", "--json"]).await), json!([]));
    let id = listed[0]["session_id"].as_str().unwrap().to_owned();
    assert!(ok(&near(&["list"]).await).contains(&id));
    ok(&near(&["end", &id, "--reason", "enough for today"]).await);
    let (error, code) = socket.until_refused().await;
    assert_eq!((&error["reason"], code), (&json!("enough for today"), 4003));
    assert_eq!((&told().await["event"], watch.try_wait().unwrap()), (&json!("closed"), None));
    watch.kill().await.unwrap();

    let mut socket = session(&url, &server.key()).await;
    let id = json(&far(&["list", "--json"]).await)[0]["session_id"].as_str().unwrap().to_owned();
    ok(&far(&["end", &id]).await);
    assert_eq!(socket.until_refused().await.1, 4003);
    let nobody = "ses_00000000000000000000000000";
    assert!(failed(&near(&["end", nobody]).await).contains("no such session"));
    assert!(failed(&far(&["end", nobody]).await).contains("not_found"));
    assert_eq!(near(&["end", &id, "--reason", "a\nb"]).await.status.code(), Some(2));
    let log = json(&run(&["audit", "list", "--action", "session_ended", "--json", "--data-dir", dir]).await);
    assert_eq!(log.as_array().unwrap().len(), 2, "{log}");
    assert!(server.terminate().await.0);
    if !testkit::is_on_postgres() {
        assert!(failed(&near(&["list"]).await).contains("no server runs"));
    }
}
