//! The end of a server: told before it comes, bounded, and at once for those out of patience.

use serde_json::json;
use testkit::{Api, Caller};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::{BATCH_HOST, Program};

/// A request whose body doesn't come to its end until the test wants it to.
async fn begin_upload(program: &Program, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(program.address).await.unwrap();
    let head = format!(
        "POST /v2/jobs HTTP/1.1\r\nHost: {BATCH_HOST}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 10\r\n\r\n--x"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Another request that is answered says that this one has been taken in before it.
    program.get("/v2/jobs", &Caller::api_key(key), &[]).await.expect(200);
    stream
}

async fn engine() -> (std::net::SocketAddr, tokio_util::sync::CancellationToken, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let config = sandbox::SandboxConfig {
        data_dir: folder.path().to_owned(),
        recognizer: None,
        engine_name: "eu1".to_owned(),
    };
    let engine = sandbox::Sandbox::open(config).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(engine.serve(listener, stop.clone()));
    (address, stop, folder)
}

fn region(engine: std::net::SocketAddr) -> String {
    format!("[regions.eu1]\nbatch_upstream = \"http://{engine}\"\n")
}

/// While a server finishes what is under way, its readiness says no, and the administration listener still answers; then it ends
/// with 0, and the last line of its log is there.
#[tokio::test]
async fn readiness_says_no_while_draining() {
    let (engine, stop, _folder) = engine().await;
    let program = Program::start("", &region(engine)).await;
    let key = program.key().await;
    let mut upload = begin_upload(&program, &key).await;
    let admin = program.admin();
    admin.get("/readyz", &Caller::anon()).await.expect(200);
    program.signal("-TERM").await;
    let said = testkit::eventually("readiness says no", || async {
        let answer = admin.get("/readyz", &Caller::anon()).await;
        (answer.status == 503).then(|| answer.json())
    })
    .await;
    assert_eq!((&said["status"], &said["components"]["drain"]["ok"]), (&json!("not_ready"), &json!(false)));
    admin.get("/livez", &Caller::anon()).await.expect(200);
    testkit::eventually("nothing new is accepted", || async {
        TcpStream::connect(program.address).await.is_err().then_some(())
    })
    .await;
    upload.write_all(b"nsense").await.unwrap();
    let mut answer = Vec::new();
    drop(testkit::within("an answer", upload.read_to_end(&mut answer)).await);
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    let (code, lines) = program.ended().await;
    assert_eq!(code, Some(0), "{lines:#?}");
    assert!(lines.last().unwrap().contains("ended"), "{lines:#?}");
    stop.cancel();
}

/// Whoever asks twice doesn't want to wait.
#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (engine, stop, _folder) = engine().await;
    let program = Program::start("", &region(engine)).await;
    let key = program.key().await;
    let _upload = begin_upload(&program, &key).await;
    program.signal("-TERM").await;
    program.line_with("asked to end").await;
    program.signal("-TERM").await;
    let (code, _) = program.ended().await;
    assert_eq!(code, Some(130));
    stop.cancel();
}

/// An upload that never ends doesn't hold up the end for longer than it may.
#[tokio::test]
async fn the_end_is_bounded() {
    let (engine, stop, _folder) = engine().await;
    let sections = format!("{}[limits]\ndrain_seconds_max = 1\n", region(engine));
    let program = Program::start("", &sections).await;
    let key = program.key().await;
    let _upload = begin_upload(&program, &key).await;
    let lines = program.end().await;
    assert!(lines.last().unwrap().contains("ended"), "{lines:#?}");
    stop.cancel();
}

/// `voxgate drain` ends a server as SIGTERM does.
#[tokio::test]
async fn the_operator_drains() {
    let program = Program::start("", "").await;
    let said = program.run(&["drain"]).await;
    assert_eq!(said, json!({"draining": true, "sessions": 0}));
    let (code, lines) = program.ended().await;
    assert_eq!(code, Some(0), "{lines:#?}");
}

/// A crash leaves no picture of the keys in memory on a disk, and as many connections may be open as the machine allows.
#[tokio::test]
async fn the_system_is_asked_for_both() {
    let program = Program::start("", "").await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.id())).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        let mut words = line[name.len()..].split_whitespace().map(str::to_owned);
        (words.next().unwrap(), words.next().unwrap())
    };
    assert_eq!(limit("Max core file size"), ("0".to_owned(), "0".to_owned()));
    let (soft, hard) = limit("Max open files");
    assert_eq!(soft, hard);
    let max = program.admin().get("/metrics", &Caller::anon()).await.text();
    assert!(max.contains(&format!("process_max_fds {hard}")), "{hard}");
    program.end().await;
}

/// SIGHUP has the log's levels read again, without an interruption; a file with mistakes changes nothing.
#[tokio::test]
async fn a_hangup_reads_the_levels_again() {
    let program = Program::start("[log]\nlevel = \"info\"\n[log.levels]\naccess = \"off\"", "").await;
    let api = Api::new(&format!("http://{}", program.address));
    let ask = async |path: &str| api.get(path, &Caller::anon()).await;
    ask("/before").await;
    program.rewrite("access = \"off\"", "access = \"loud\"");
    program.signal("-HUP").await;
    program.line_with("the log's levels stay as they were").await;
    ask("/between").await;
    program.rewrite("access = \"off\"", "access = \"info\"");
    program.signal("-HUP").await;
    program.line_with("were read again").await;
    ask("/after").await;
    program.line_with("/after").await;
    let lines = program.end().await;
    assert!(!lines.iter().any(|line| line.contains("/before") || line.contains("/between")), "{lines:#?}");
}
