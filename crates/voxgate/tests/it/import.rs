//! Keys that were made elsewhere: `voxgate keys import`.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use testkit::{Caller, Mint, Process, Socket};
use tokio::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");

async fn import(folder: &Path, file: &Path, more: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["keys", "import"])
        .arg(file)
        .arg("--data-dir")
        .arg(folder)
        .args(more)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A key like those of other services.
fn key(number: u32) -> String {
    format!("sk_live_{}", &credentials::hash_secret(&number.to_string()).to_hex()[..24])
}

/// Imported keys of a running server work at once, as what their line says, in every place where a key does; a file is taken in
/// whole or not at all, and again without effect. No key is in any output or file of the instance.
#[tokio::test]
async fn a_file_of_keys_is_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = server.home();
    let file = folder.path().join("keys.csv");
    let hash = credentials::hash_secret(&key(2)).to_hex();
    let good = format!(
        "name,key,sha256,areas,products,client_ref\nfirst,{},,eu usa,batch rt,\nsecond,,{hash},,,user-2\ntokenlike,SG.{}.abc,,,,\n",
        key(1),
        key(3)
    );
    std::fs::write(&file, format!("{good}bad,tooshort,,,,\nworse,{},,mars,,\n", key(9))).unwrap();
    let output = import(folder.path(), &file, &[]).await;
    let (code, out, err) = said(&output);
    assert_eq!(code, Some(1), "{out}\n{err}");
    assert!(
        err.contains("line 5: the key has 8 characters") && err.contains("line 6: areas: expected"),
        "{err}"
    );
    assert!(err.contains("nothing was imported"), "{err}");
    home.get("/v2/jobs", &Caller::api_key(&key(1))).await.expect(401);

    std::fs::write(&file, &good).unwrap();
    let (code, out, err) = said(&import(folder.path(), &file, &["--dry-run"]).await);
    assert_eq!((code, out.as_str()), (Some(0), "would import 3 keys, known already 0"), "{err}");
    home.get("/v2/jobs", &Caller::api_key(&key(1))).await.expect(401);
    let (code, out, err) = said(&import(folder.path(), &file, &[]).await);
    assert_eq!((code, out.as_str()), (Some(0), "imported 3 keys, known already 0"), "{err}");
    for secret in [key(1), key(2), format!("SG.{}.abc", key(3))] {
        let caller = Caller::api_key(&secret);
        home.get("/v2/jobs", &caller).await.expect(200);
        Socket::open(&server.report().realtime_url, &caller).await.unwrap().begin().await;
        let token = Mint::of("batch").key(&home, &caller).await;
        home.get("/v2/jobs", &Caller::temporary_key(&token)).await.expect(200);
    }
    home.get("/v2/usage", &Caller::api_key(&key(2))).await.expect_refusal(403, "usage_needs_project");
    let in_url = crate::common::with_jwt(&server.report().realtime_url, &key(1));
    let mut socket = Socket::open(&in_url, &Caller::anon()).await.unwrap();
    socket.start().await;
    let (error, code) = socket.until_refused().await;
    assert!(code == 4001 && error["reason"].as_str().unwrap().contains("api_key_in_url"), "{error}");

    let again = import(folder.path(), &file, &["--json"]).await;
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(
        (&report["imported"], &report["known"], &report["mistakes"]),
        (&0.into(), &3.into(), &0.into())
    );
    std::fs::remove_file(&file).unwrap();
    assert!(server.terminate().await.0);
    for (path, bytes) in Process::files_of(folder.path()) {
        for secret in [key(1), key(3)] {
            let secret = &secret.as_bytes()[8..];
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", path.display());
        }
    }
}

/// Without a server the database is opened once, and JSON Lines are read; what belongs to another project is refused with its
/// line, and so is a key that stands in the file twice.
#[tokio::test]
async fn a_resting_instance_takes_keys_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let other = {
        let (home, manager) = (server.home(), server.manager());
        crate::common::make_key_in(&home, &manager, server.report().project_id, Value::Null).await
    };
    let body = serde_json::json!({"name": "p"});
    let project = server.home().post("/v1/projects", &server.manager(), &body).await.expect(201);
    let project = project.json()["project_id"].to_string();
    assert!(server.terminate().await.0);
    let file = folder.path().join("keys.jsonl");
    let lines: Vec<String> = (0..12_000).map(|number| format!("{{\"key\":\"{}\"}}", key(number))).collect();
    std::fs::write(&file, format!("{}\n{}\n{{\"key\":\"{}\"}}\n", lines.join("\n"), lines[7], other.secret))
        .unwrap();
    let (code, _, err) = said(&import(folder.path(), &file, &["--project", &project]).await);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("line 12001: the same key stands in line 8"), "{err}");
    assert!(err.contains("line 12002: this key belongs to another project already"), "{err}");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let (code, out, err) = said(&import(folder.path(), &file, &["--project", &project]).await);
    assert_eq!((code, out.as_str()), (Some(0), "imported 12000 keys, known already 0"), "{err}");
    let (code, _, err) = said(&import(folder.path(), &file, &["--project", "999"]).await);
    assert!(code == Some(1) && err.contains("no such project"), "{err}");
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    for number in [0, 5_000, 11_999] {
        server.home().get("/v2/jobs", &Caller::api_key(&key(number))).await.expect(200);
    }
    server.home().get("/v2/jobs", &other.caller()).await.expect(200);
    assert!(server.terminate().await.0);
}

/// Requests go on while many keys are imported: none fails, and none waits for a whole import.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_go_on_during_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let file = folder.path().join("keys.csv");
    let lines: Vec<String> = (0..30_000).map(key).collect();
    std::fs::write(&file, format!("key\n{}\n", lines.join("\n"))).unwrap();
    let path = folder.path().to_owned();
    let importing = tokio::spawn(async move { import(&path, &file, &[]).await });
    let mut requests = 0;
    while !importing.is_finished() {
        server.home().get("/v2/jobs", &server.key()).await.expect(200);
        server.home().get("/v2/jobs", &Caller::api_key("vgk_nonsense")).await.expect(401);
        Mint::of("batch").key(&server.home(), &server.key()).await;
        requests += 1;
    }
    let (code, out, err) = said(&importing.await.unwrap());
    assert_eq!((code, out.as_str()), (Some(0), "imported 30000 keys, known already 0"), "{err}");
    assert!(requests > 10, "{requests}");
    server.home().get("/v2/jobs", &Caller::api_key(&key(29_999))).await.expect(200);
    assert!(server.terminate().await.0);
}
