//! The command line, by the built program.

use std::path::Path;

use serde_json::Value;
use testkit::{Caller, Process};
use tokio::process::Command;

use crate::command::{BINARY, err, json, ok, out, run, run_with_input};

/// 0 for done, 1 for failed, 2 for what can't be understood; failures go to standard error and leave standard output
/// empty.
#[tokio::test]
async fn exit_codes_tell_what_happened() {
    assert_eq!(ok(&run(&["version"]).await), format!("voxgate {}", env!("CARGO_PKG_VERSION")));
    for wrong in [
        &["nothing"][..],
        &["dev", "--port", "x"],
        &["keys", "create"],
        &["keys", "revoke", "x", "--data-dir", "d"],
        &[],
    ] {
        let output = run(wrong).await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", err(&output));
        assert_eq!(out(&output), "");
    }
    for failing in
        [&["keys", "list", "--data-dir", "/nonexistent"][..], &["serve", "--config", "/nonexistent"]]
    {
        let output = run(failing).await;
        assert_eq!(output.status.code(), Some(1), "{failing:?}");
        assert_eq!(out(&output), "");
        assert!(err(&output).contains("/nonexistent"));
    }
    let help = ok(&run(&["keys", "--help"]).await);
    assert!(help.contains("Examples:"), "{help}");
}

/// The example is complete and without mistakes; a file with mistakes fails with all of them.
#[tokio::test]
async fn config_example_passes_config_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("voxgate.toml");
    std::fs::write(&file, ok(&run(&["config", "example"]).await)).unwrap();
    let path = file.to_str().unwrap();
    assert!(ok(&run(&["config", "check", path]).await).contains("is fine"));
    std::fs::write(&file, "colour = 1\n[log]\nformat = \"x\"\n").unwrap();
    let output = run(&["config", "check", path]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(
        said.contains("2 mistakes") && said.contains("line 1: colour") && said.contains("line 3: log.format"),
        "{said}"
    );
    let output = run(&["config", "check", "--json", path]).await;
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((&report["fine"], &report["problems"][1]["line"]), (&Value::Bool(false), &Value::from(3)));
    assert_eq!(
        run(&["serve", "--config", path]).await.status.code(),
        Some(1),
        "it doesn't start with mistakes either"
    );
}

/// Keys, projects and tokens are made, listed and revoked, on a server that runs and on a folder that rests; a running
/// server obeys at once.
#[tokio::test]
async fn the_operator_manages_an_instance() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let home = server.home();

    let made = run(&["keys", "create", "--name", "by hand", "--areas", "eu,au", "--data-dir", dir]).await;
    let secret = ok(&made);
    assert!(
        secret.starts_with("vgk_") && !secret.contains(char::is_whitespace),
        "the secret alone: {secret}"
    );
    home.get("/v2/jobs", &Caller::api_key(&secret)).await.expect(200);
    let keys = json(&run(&["keys", "list", "--json", "--data-dir", dir]).await);
    let key = keys.as_array().unwrap().iter().find(|key| key["name"] == "by hand").unwrap().clone();
    assert_eq!(key["areas"], serde_json::json!(["eu", "au"]));
    assert!(!keys.to_string().contains(&secret) && !keys.to_string().contains("hash"));
    let id = key["apikey_id"].as_str().unwrap();
    let table = ok(&run(&["keys", "list", "--data-dir", dir]).await);
    assert!(table.contains("by hand") && table.contains(id), "{table}");
    ok(&run(&["keys", "revoke", id, "--data-dir", dir]).await);
    home.get("/v2/jobs", &Caller::api_key(&secret)).await.expect_refusal(401, "credential_revoked");
    let again = run(&["keys", "revoke", id, "--data-dir", dir]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("revoked already"), "{}", err(&again));

    let token = ok(&run(&["tokens", "create", "--permissions", "view_projects", "--data-dir", dir]).await);
    home.get("/v1/projects", &Caller::management_token(&token)).await.expect(200);
    home.get("/v1/api-keys", &Caller::management_token(&token))
        .await
        .expect_refusal(403, "permission_missing");
    let tokens = json(&run(&["tokens", "list", "--json", "--data-dir", dir]).await);
    let view = serde_json::json!(["view_projects"]);
    let id =
        tokens.as_array().unwrap().iter().find(|token| token["permissions"] == view).unwrap()["token_id"]
            .clone();
    ok(&run(&["tokens", "revoke", id.as_str().unwrap(), "--data-dir", dir]).await);
    home.get("/v1/projects", &Caller::management_token(&token))
        .await
        .expect_refusal(401, "credential_revoked");
    assert!(server.terminate().await.0);

    // Nobody serves now: the same commands open the database.
    let project = json(&run(&["projects", "create", "--name", "offline", "--json", "--data-dir", dir]).await);
    let number = project["project_id"].to_string();
    let secret = ok(&run(&["keys", "create", "--project", &number, "--data-dir", dir]).await);
    assert!(ok(&run(&["projects", "list", "--data-dir", dir]).await).contains("offline"));
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    server.home().get("/v2/jobs", &Caller::api_key(&secret)).await.expect(200);
    assert!(server.terminate().await.0);
}

/// `mint` takes the API key from where nobody else can read it.
#[tokio::test]
async fn minting_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let token = ok(&run(&["mint", "--type", "rt", "--ttl", "60", "--data-dir", dir]).await);
    assert_eq!(token.split('.').count(), 3);
    let key = server.report().api_key.clone();
    let batch =
        ok(&run_with_input(&["mint", "--ttl", "60", "--api-key", "-", "--data-dir", dir], &key).await);
    server.home().get("/v2/jobs", &Caller::temporary_key(&batch)).await.expect(200);
    let out_of_range = run(&["mint", "--ttl", "59", "--data-dir", dir]).await;
    assert_eq!(out_of_range.status.code(), Some(1));
    assert!(err(&out_of_range).contains("60 to 3600"), "{}", err(&out_of_range));

    assert!(server.terminate().await.0);
}

/// The lines that `voxgate dev` prints work as printed: each `curl` line is run by a shell, in order.
#[tokio::test]
async fn printed_lines_work() {
    let place = tempfile::tempdir().unwrap();
    let running =
        voxgate::dev::start(&voxgate::dev::DevOptions { port: 0, ..Default::default() }).await.unwrap();
    let text = voxgate::dev::people(&running).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 4, "{text}");
    let mut answers = Vec::new();
    for line in &lines {
        let output = Command::new("sh").args(["-c", line]).current_dir(place.path()).output().await.unwrap();
        assert!(output.status.success(), "{line}: {}", err(&output));
        answers.push(out(&output));
    }
    assert!(std::fs::read(place.path().join("hello.wav")).unwrap().starts_with(b"RIFF"));
    let job: Value = serde_json::from_str(&answers[1]).unwrap();
    assert!(job["id"].is_string(), "{job}");
    let jobs: Value = serde_json::from_str(&answers[2]).unwrap();
    assert_eq!(jobs["jobs"][0]["id"], job["id"]);
    let minted: Value = serde_json::from_str(&answers[3]).unwrap();
    assert!(minted["key_value"].is_string(), "{minted}");
    let url = text.lines().find(|line| line.starts_with("ws://") && line.contains("?jwt=")).unwrap();
    testkit::Socket::open(url, &Caller::anon()).await.unwrap().begin().await;
    running.shutdown().await;
}

/// A name is whatever somebody wrote: no escape sequence of theirs reaches the operator's terminal.
#[tokio::test]
async fn tables_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let dir = folder.path().to_str().unwrap();
    let answer = server
        .home()
        .post("/v1/projects", &server.manager(), &serde_json::json!({"name": "a\u{1b}[2Jb"}))
        .await;
    answer.expect_refusal(422, "invalid_value");
    assert!(!ok(&run(&["projects", "list", "--data-dir", dir]).await).contains('\u{1b}'));
    assert!(server.terminate().await.0);
}
