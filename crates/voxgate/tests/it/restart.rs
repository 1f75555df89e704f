//! A second start on the same data folder is the same instance.

use std::path::Path;

use serde_json::json;
use testkit::{Caller, Mint, Process};

use crate::common::{make_key_in, revoke_key};

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

/// Account, keys, revocations, projects, jobs and signing keys are kept: everything that worked works, everything that
/// was refused stays refused.
#[tokio::test]
async fn everything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = first.home();
    let report = first.report().clone();
    let jwks = home.get("/.well-known/jwks.json", &Caller::anon()).await.expect(200).text();
    let made = home.post("/v1/projects", &first.manager(), &json!({"name": "kept"})).await.expect(201).json();
    let project = made["project_id"].as_i64().unwrap();
    let kept = make_key_in(&home, &first.manager(), project, json!({})).await;
    let revoked = make_key_in(&home, &first.manager(), project, json!({})).await;
    revoke_key(&home, &first.manager(), &revoked.id).await;
    let token = Caller::temporary_key(&Mint::of("batch").client_ref("u").key(&home, &kept.caller()).await);
    let job = home.job(&token).await;
    let projects = home.get("/v1/projects", &first.manager()).await.expect(200).json();
    assert!(first.terminate().await.0, "it ends well when it is asked to");

    let second = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = second.home();
    let again = second.report();
    assert_eq!((&again.api_key, &again.management_token), (&report.api_key, &report.management_token));
    assert_eq!(again.account, report.account);
    assert_eq!(home.get("/.well-known/jwks.json", &Caller::anon()).await.expect(200).text(), jwks);
    assert_eq!(home.get("/v1/projects", &second.manager()).await.expect(200).json(), projects);
    home.get("/v2/jobs", &kept.caller()).await.expect(200);
    home.get("/v2/jobs", &revoked.caller()).await.expect_refusal(401, "credential_revoked");
    assert_eq!(home.job_ids(&token).await, std::slice::from_ref(&job));
    home.get(&format!("/v2/jobs/{job}"), &token).await.expect(200);
    home.get(&format!("/v2/jobs/{job}"), &second.key()).await.expect_refusal(404, "job_not_found");
    assert!(second.terminate().await.0);
}

/// Two programs never use one data folder: the second is told who is in its way, and the first goes on.
#[tokio::test]
async fn a_data_folder_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let output = tokio::process::Command::new(BINARY)
        .args(["dev", "--json", "--port", "0", "--data-dir"])
        .arg(folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing on standard output");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("in use by another Voxgate"), "{said}");
    first.home().get("/v2/jobs", &first.key()).await.expect(200);
    assert!(first.terminate().await.0);
}
