//! Another master key while the server runs, and at whatever moment it is killed.

use std::path::Path;
use std::process::Stdio;

use control::ControlConfig;
use credentials::MasterKey;
use domain::SystemRng;
use serde_json::{Value, json};
use testkit::{Caller, Mint, Process};
use tokio::process::Command;
use voxgate::operator::{self, Place, RewrapCall};

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

async fn rewrap(
    folder: &Path,
    more: &[&str],
    variable: Option<(&str, &str)>,
) -> (Option<i32>, String, String) {
    let mut command = Command::new(BINARY);
    command.args(["master-key", "rewrap", "--data-dir"]).arg(folder).args(more).stdin(Stdio::null());
    command.envs(variable);
    let output = command.output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn kept(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("master.key")).unwrap().trim().to_owned()
}

/// The key is changed under a running server by each way to name a new one; nothing that was minted is refused, minting goes on,
/// and a restart finds the new key. No command line and no output holds one.
#[tokio::test]
async fn a_running_server_takes_another_master_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let token = Caller::temporary_key(
        &Mint::of("batch").with("ttl", json!(3600)).key(&server.home(), &server.key()).await,
    );
    let job = server.home().job(&token).await;
    let [by_file, by_env, by_command] =
        [(); 3].map(|()| MasterKey::generate(&SystemRng).to_text().as_str().to_owned());
    let (file, printed) = (folder.path().join("next.key"), folder.path().join("printed.key"));
    std::fs::write(&file, &by_file).unwrap();
    std::fs::write(&printed, &by_command).unwrap();
    let (file, printed) = (file.to_str().unwrap(), printed.to_str().unwrap());
    let first = kept(folder.path());
    for (more, variable, expected) in [
        (vec![], None, None),
        (vec!["--new-file", file], None, Some(&by_file)),
        (vec!["--new-env", "NEXT_KEY"], Some(("NEXT_KEY", by_env.as_str())), Some(&by_env)),
        (vec!["--new-command", "/bin/cat", printed], None, Some(&by_command)),
    ] {
        let before = kept(folder.path());
        let (code, out, err) = rewrap(folder.path(), &more, variable).await;
        assert_eq!(code, Some(0), "{out}\n{err}");
        let after = kept(folder.path());
        assert_ne!(after, before);
        assert!(expected.is_none_or(|expected| *expected == after));
        assert!(!out.contains(&after) && !err.contains(&after));
        server.home().get(&format!("/v2/jobs/{job}"), &token).await.expect(200);
        Mint::of("batch").key(&server.home(), &server.key()).await;
    }
    let (code, out, _) = rewrap(folder.path(), &["--new-file", printed], None).await;
    assert!(code == Some(0) && out.contains("already"), "{out}");
    for (more, complaint) in [
        (vec!["--new-file", "/nonexistent"], "/nonexistent"),
        (vec!["--new-env", "NOT_SET"], "NOT_SET"),
        (vec!["--new-command", "/bin/sh", "-c", "echo no rights >&2; exit 1"], "no rights"),
    ] {
        let (code, _, err) = rewrap(folder.path(), &more, None).await;
        assert!(code == Some(1) && err.contains(complaint), "{err}");
    }
    server.kill().await;

    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    server.home().get(&format!("/v2/jobs/{job}"), &token).await.expect(200);
    assert!(server.terminate().await.0);
    let (code, ..) = rewrap(folder.path(), &[], None).await;
    assert_eq!(code, Some(0), "it works without a server, too");
    let last = kept(folder.path());
    std::fs::write(folder.path().join("master.key"), &first).unwrap();
    let output = Command::new(BINARY)
        .args(["dev", "--json", "--port", "0", "--data-dir"])
        .arg(folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "the first key opens nothing any more");
    std::fs::write(folder.path().join("master.key"), &last).unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    server.home().get(&format!("/v2/jobs/{job}"), &token).await.expect(200);
    assert!(server.terminate().await.0);
}

/// A server that is killed while keys are sealed anew starts again each time, with everything that was minted before.
#[tokio::test]
async fn a_kill_during_a_rewrap_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let token = Caller::temporary_key(
        &Mint::of("batch").with("ttl", json!(3600)).key(&server.home(), &server.key()).await,
    );
    let mut answered = 0;
    for round in 0..12_u64 {
        let place = Place { control: ControlConfig::in_folder(folder.path()) };
        let rewrapping = tokio::spawn(async move {
            let done: Result<Value, _> = operator::run(place, RewrapCall { new_key: None }.into()).await;
            done.is_ok()
        });
        // Another moment each time: a re-wrap takes a few milliseconds, most of them waiting for the disk.
        tokio::time::sleep(std::time::Duration::from_micros(700 * round)).await;
        server.kill().await;
        if rewrapping.await.unwrap() {
            answered += 1;
        }
        server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
        server.home().get("/v2/jobs", &token).await.expect(200);
        Mint::of("batch").key(&server.home(), &server.key()).await;
    }
    assert!(answered < 12, "some were cut off");
    let place = Place { control: ControlConfig::in_folder(folder.path()) };
    let _: Value = operator::run(place, RewrapCall { new_key: None }.into()).await.unwrap();
    assert!(!folder.path().join("master.key.next").exists(), "what was left over is cleared away");
    assert!(server.terminate().await.0);
}
