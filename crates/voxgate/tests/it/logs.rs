//! The log: one line for each request, with what it takes to find it, and nothing secret.

use serde_json::{Value, json};
use testkit::Caller;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::program::Program;
use crate::set_up::page;

const JSON: &str = "trusted_proxies = [\"127.0.0.0/8\"]\n[log]\nformat = \"json\"";

async fn line_of(program: &Program, path: &str) -> Value {
    program.json_line(path, |line| line["message"] == "request" && line["path"] == path).await
}

/// A request's line says where it arrived, whose it is, what became of it and who asked; its id is the one in the answer.
#[tokio::test]
async fn a_request_has_one_line() {
    let program = Program::start(JSON, "").await;
    let key = Caller::api_key(&program.key().await);
    let answer = program.get("/v2/usage", &key, &[("x-forwarded-for", "203.0.113.7")]).await.expect(200);
    let line = line_of(&program, "/v2/usage").await;
    assert_eq!(line["request_id"], answer.header("request-id"));
    for (field, value) in [
        ("method", json!("GET")),
        ("status", json!(200)),
        ("region", json!("eu1")),
        ("product", json!("batch")),
        ("route", json!("usage")),
        ("peer", json!("203.0.113.7")),
        ("sent_bytes", json!(answer.body.len())),
        ("level", json!("INFO")),
        ("target", json!("access")),
    ] {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert!(line["project_id"].is_number() && line["micros"].is_number(), "{line}");
    assert!(line["api_key_id"].as_str().unwrap().starts_with("key_"), "{line}");

    let answer = program.get("/v2/jobs", &Caller::anon(), &[]).await.expect(401);
    let line = line_of(&program, "/v2/jobs").await;
    assert_eq!((&line["status"], &line["reason"]), (&json!(401), &json!("credential_missing")), "{line}");
    assert_eq!(line["request_id"], answer.header("request-id"));
    assert!(line["project_id"].is_null() && line["api_key_id"].is_null(), "{line}");
    program.end().await;
}

/// An answer that its engine broke off, or stopped in the middle of, has a line that says so; a whole one's doesn't.
#[tokio::test]
async fn answers_that_break_off_are_logged_so() {
    let engine = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sections = format!(
        "[limits]\nengine_stall_seconds_max = 1\n[regions.eu1]\nbatch_upstream = \"http://{}\"",
        engine.local_addr().unwrap()
    );
    let program = Program::start(JSON, &sections).await;
    let url = format!("http://{}/v1/discovery/features", program.address);
    for (number, (bytes, stays, broken_off)) in
        [(1, false, Value::Null), (100, false, Value::Bool(true)), (100, true, Value::Bool(true))]
            .into_iter()
            .enumerate()
    {
        let id = format!("67e55044-10b1-426f-9247-bb680e5fe0c{number}");
        let request = reqwest::Client::new().get(&url).header("host", crate::program::BATCH_HOST);
        let request = request.header("x-request-id", &id);
        let asking = tokio::spawn(async move { request.send().await?.bytes().await });
        let mut asked = BufReader::new(testkit::within("a request", engine.accept()).await.unwrap().0);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(testkit::within("its head", asked.read_line(&mut line)).await.unwrap() > 0);
        }
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n");
        asked.write_all(format!("{head}x").as_bytes()).await.unwrap();
        let open = Some(asked).filter(|_| stays);
        let answer = testkit::within("an answer", asking).await.unwrap();
        assert_eq!(answer.is_ok(), broken_off.is_null(), "{answer:?}");
        let line = program.json_line("its line", |line| line["request_id"] == id).await;
        assert_eq!((&line["message"], &line["broken_off"]), (&json!("request"), &broken_off), "{line}");
        drop(open);
    }
    program.end().await;
}

/// A session has a line too, when it is over: whose it was, how long, how much, and why it ended.
#[tokio::test]
async fn a_session_has_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let program =
        testkit::Process::start(std::path::Path::new(crate::program::BINARY), folder.path(), &[]).await;
    let mut socket = testkit::Socket::open(&program.report().realtime_url, &program.key()).await.unwrap();
    socket.begin().await;
    drop(socket);
    testkit::eventually("the session is over", || async {
        let metrics =
            testkit::Api::new(&program.report().admin_url).get("/metrics", &Caller::anon()).await.text();
        metrics.contains("voxgate_session_seconds_count 1").then_some(())
    })
    .await;
    let (ended_well, _, log) = program.terminate().await;
    assert!(ended_well);
    let line = log.lines().find(|line| line.contains(" access: session ")).unwrap_or_else(|| panic!("{log}"));
    for told in [
        "ended=\"",
        "region=\"eu1\"",
        "product=\"rt\"",
        "project_id=",
        "api_key_id=key_",
        "sent_bytes=",
        "seconds=",
        "peer=127.0.0.1",
        "session_id=ses_",
        "request_id=req_",
    ] {
        assert!(line.contains(told), "{told}: {line}");
    }
}

/// A sign-in that is refused has a line that says whose account it was for, as the audit log calls it, and from where; nobody's
/// has one that names nobody.
#[tokio::test]
async fn refused_sign_ins_are_logged() {
    let program = Program::start(JSON, "[hosts]\nportal = [\"desk.localhost\"]").await;
    program.run(&["users", "create", "--email", "ada@example.org"]).await;
    let ada = program.run(&["audit", "list", "--action", "account_created"]).await[0]["subject"].clone();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for (email, account) in [("ada@example.org", ada), ("nobody@example.org", Value::Null)] {
        let before = program.lines().len();
        let url = format!("http://{}/sign-in", program.address);
        let (_, cookie, token, _) = page(&client, &url, "desk.localhost").await;
        let email = email.replace('@', "%40");
        let body = format!("form_token={token}&email={email}&password=a+wrong+password&next=");
        let sent = client.post(url).header("host", "desk.localhost").header("cookie", cookie);
        let sent = sent.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(sent.send().await.unwrap().status().as_u16(), 422);
        let line = testkit::eventually("the refusal", || async {
            let lines = program.lines();
            lines[before..].iter().find(|line| line.contains("a sign-in was refused")).cloned()
        })
        .await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["account"], &line["from"]), (&account, &json!("127.0.0.1")), "{line}");
    }
    assert!(!program.lines().iter().any(|line| line.contains("@example.org")), "no address is logged");
    program.end().await;
}

/// Queries, credentials and what looks like one in a path are in no line.
#[tokio::test]
async fn nothing_secret_is_logged() {
    let program = Program::start(JSON, "").await;
    let secret = program.key().await;
    let key = Caller::api_key(&secret);
    program.get("/v2/jobs?jwt=canary-query", &key, &[]).await;
    program.get(&format!("/v2/{secret}"), &Caller::anon(), &[("cookie", "canary-cookie")]).await.expect(404);
    program.get("/last", &Caller::api_key("canary-credential"), &[]).await;
    line_of(&program, "/last").await;
    for line in program.end().await {
        assert!(!line.contains("canary") && !line.contains(&secret[..12]), "{line}");
    }
}

/// The id that a trusted proxy gave a request is its id everywhere; a client's own, or one of another form, is not.
#[tokio::test]
async fn ids_of_trusted_proxies_are_kept() {
    const UUID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let program = Program::start(JSON, "").await;
    let given = async |id: &str| {
        let answer = program.get("/v2/jobs", &Caller::anon(), &[("x-request-id", id)]).await.expect(401);
        answer.header("request-id").to_owned()
    };
    assert_eq!(given(UUID).await, UUID);
    program.json_line("the kept id", |line| line["request_id"] == UUID).await;
    assert!(given("forged=yes level=error").await.starts_with("req_"));
    program.end().await;

    let program = Program::start("[log]\nformat = \"json\"", "").await;
    let answer = program.get("/v2/jobs", &Caller::anon(), &[("x-request-id", UUID)]).await.expect(401);
    assert!(answer.header("request-id").starts_with("req_"), "nobody trusts this client");
    program.end().await;
}

/// A log that nobody reads holds up no request: lines are dropped, and counted.
#[tokio::test]
async fn a_full_log_holds_up_nobody() {
    // More lines than wait, and than a pipe holds.
    const REQUESTS: usize = 24_000;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("voxgate.toml");
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let admin = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let text = format!(
        "data_dir = \"{}\"\n[admin]\naddress = \"{admin}\"\n[[listener]]\naddress = \"127.0.0.1:{port}\"\n",
        folder.path().join("data").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut child = tokio::process::Command::new(crate::program::BINARY)
        .args(["serve", "--config"])
        .arg(&config)
        .stdin(std::process::Stdio::null())
        // Nobody reads it.
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let api = testkit::Api::new(&format!("http://{admin}"));
    let mut stream = testkit::eventually("it listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
    let (mut answers, mut requests) = stream.split();
    let sending = async {
        let many = b"GET /nothing HTTP/1.1\r\nHost: eu1.asr.localhost\r\n\r\n".repeat(REQUESTS / 100);
        for _ in 0..100 {
            requests.write_all(&many).await.unwrap();
        }
    };
    let reading = async {
        use tokio::io::AsyncReadExt as _;
        const MARK: &[u8] = b"\"not_found\"";
        let (mut count, mut buffer) = (0, Vec::with_capacity(65_536));
        while count < REQUESTS {
            let read = answers.read_buf(&mut buffer).await.unwrap();
            assert!(read > 0, "it hung up after {count}");
            count += buffer.windows(MARK.len()).filter(|window| *window == MARK).count();
            // A mark may be cut in two.
            buffer.drain(..buffer.len().saturating_sub(MARK.len() - 1));
        }
    };
    testkit::within("all answers", async { tokio::join!(sending, reading) }).await;
    let metrics = api.get("/metrics", &Caller::anon()).await.text();
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("voxgate_log_lines_dropped_total "));
    assert!(dropped.unwrap().parse::<u64>().unwrap() > 0);
    child.kill().await.unwrap();
}
