//! `voxgate doctor`: what is wrong with a deployment is found, and nothing is found where nothing is wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use testkit::Process;

use crate::command::{binary, failed, json, ok, out, run};

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The findings of a report that say this.
fn found<'a>(report: &'a Value, said: &str) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(|finding| finding["says"].as_str().unwrap().contains(said)).collect()
}

/// A healthy instance has no failures, while its server runs and after it.
#[tokio::test]
async fn a_healthy_instance_passes() {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    let dir = folder.path().to_str().unwrap();
    let server = Process::start(binary(), folder.path(), &[]).await;
    let url = server.report().management_url.clone();
    let report = json(&run(&["doctor", "--json", "--data-dir", dir, "--server", &url]).await);
    assert_eq!((report["healthy"].as_bool(), report["failures"].as_u64()), (Some(true), Some(0)), "{report}");
    for said in [
        "a server runs",
        "is whole",
        "is its owner's alone",
        "the signing key",
        "the instance's key set",
        "same time",
    ] {
        assert_eq!(
            found(&report, said).first().map(|finding| &finding["level"]),
            Some(&Value::from("ok")),
            "{said}: {report}"
        );
    }
    assert!(server.terminate().await.0);
    let told = ok(&run(&["doctor", "--data-dir", dir]).await);
    assert!(told.contains("no server runs") && told.contains("0 failed"), "{told}");
}

/// A master key that others can read, a damaged database and a folder that isn't there are failures with a remedy.
#[tokio::test]
async fn what_is_wrong_is_found() {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    let dir = folder.path().to_str().unwrap();
    ok(&run(&["workspaces", "create", "--name", "W", "--data-dir", dir]).await);
    ok(&run(&["doctor", "--data-dir", dir]).await);

    let master_key = folder.path().join("master.key");
    chmod(&master_key, 0o644);
    let output = run(&["doctor", "--data-dir", dir]).await;
    assert!(failed(&output).contains("one check failed"));
    assert!(out(&output).contains(&format!("chmod 600 {}", master_key.display())), "{}", out(&output));
    chmod(&master_key, 0o600);

    let database = folder.path().join("voxgate.db");
    let whole = std::fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..5 * 4096].fill(0xff);
    std::fs::write(&database, &damaged).unwrap();
    let output = run(&["doctor", "--json", "--data-dir", dir]).await;
    failed(&output);
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    let about: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["level"] == "failed")
        .collect();
    assert!(about.iter().any(|finding| finding["about"] == "database"), "{report}");
    assert!(about.iter().all(|finding| finding["remedy"].is_string()), "{report}");
    std::fs::write(&database, &whole).unwrap();
    ok(&run(&["doctor", "--data-dir", dir]).await);

    let nowhere = folder.path().join("nowhere");
    let output = run(&["doctor", "--data-dir", nowhere.to_str().unwrap()]).await;
    assert!(failed(&output).contains("failed"));
    assert!(out(&output).contains("isn't there"), "{}", out(&output));
}

/// Engines that are away and ports that are taken are found before the server is started.
#[tokio::test]
async fn engines_and_ports_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    chmod(&data, 0o700);
    let file = folder.path().join("voxgate.toml");
    let text = format!(
        "data_dir = \"{}\"\n[[listener]]\naddress = \"{}\"\n[regions.eu1]\nbatch_upstream = \"http://{away}\"\n",
        data.display(),
        taken.local_addr().unwrap()
    );
    std::fs::write(&file, text).unwrap();
    let config = file.to_str().unwrap();
    ok(&run(&["workspaces", "create", "--name", "W", "--config", config]).await);
    let output = run(&["doctor", "--json", "--config", config]).await;
    failed(&output);
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    for said in ["is taken by another program", "can't be reached"] {
        assert_eq!(
            found(&report, said).first().map(|finding| &finding["level"]),
            Some(&Value::from("failed")),
            "{report}"
        );
    }
    drop(taken);
    let output = run(&["doctor", "--json", "--config", config]).await;
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(
        found(&report, "is taken").is_empty() && !found(&report, "is free for the server").is_empty(),
        "{report}"
    );
}
