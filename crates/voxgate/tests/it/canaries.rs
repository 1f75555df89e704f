//! Secrets never reach a log or a file: they are put into every place that takes a credential, and then everything that
//! was written is searched.

use std::path::Path;

use serde_json::json;
use testkit::{Caller, Mint, Process, Socket, raw_request};

use crate::common::make_key_in;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// The one file that holds secrets on purpose.
const KEPT_CREDENTIALS: &str = "dev-credentials.json";

/// Every place that takes a credential, or that somebody could take for one.
async fn present(server: &Process, secret: &str) {
    let home = server.home();
    let realtime = &server.report().realtime_url;
    for caller in [
        Caller::Bearer(secret.to_owned()),
        Caller::Headers(vec![secret.to_owned()]),
        Caller::Headers(vec![format!("Basic {secret}")]),
        Caller::Headers(vec![format!("Bearer {secret}"), format!("Bearer {secret}")]),
        Caller::Headers(vec![format!("Bearer {secret} {secret}")]),
    ] {
        for path in [
            "/v2/jobs",
            "/v2/usage",
            "/v1/projects",
            "/v1/api-keys",
            "/",
            "/v1/nothing",
            "/v2/jobs/abc/transcript",
        ] {
            home.get(path, &caller).await;
        }
        home.create_job(&caller).await;
        Mint::of("rt").ask(&home, &caller).await;
        home.delete("/v1/api-keys/key_00000000000000000000000000", &caller).await;
        if let Ok(mut socket) = Socket::open(realtime, &caller).await {
            socket.start().await;
        }
    }
    let anon = Caller::anon();
    for query in ["jwt", "api_key", "token", "type", "Authorization"] {
        for path in ["/v2/jobs", "/v1/projects", "/v1/api_keys", "/", "/.well-known/jwks.json", "/v2"] {
            home.get(&format!("{path}?{query}={secret}"), &anon).await;
            home.get(&format!("{path}?{query}={secret}"), &server.key()).await;
        }
    }
    for url in [format!("{realtime}?jwt={secret}"), format!("{realtime}?api_key={secret}&jwt={secret}x")] {
        if let Ok(mut socket) = Socket::open(&url, &anon).await {
            socket.start().await;
            // A refusal, or the start of a session.
            socket.next().await;
        }
    }
    for header in [
        "cookie",
        "x-api-key",
        "proxy-authorization",
        "sec-websocket-protocol",
        "x-sm-processing-data",
        "referer",
    ] {
        let request = home.request(reqwest::Method::GET, "/v2/jobs").header(header, secret);
        home.ask(request.header("authorization", format!("Bearer {}", server.report().api_key))).await;
    }
    for body in
        [json!({"ttl": secret}), json!({"ttl": 60, "password": secret}), json!({"ttl": 60, "region": secret})]
    {
        home.post("/v1/api_keys?type=rt", &server.key(), &body).await;
        home.post("/v1/api-keys", &server.manager(), &body).await;
    }
    home.send_bytes(reqwest::Method::POST, "/v1/api_keys", &server.key(), format!("{{{secret}").into_bytes())
        .await;
    for raw in [
        format!(
            "GET /v2/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer {secret}\r\nConnection: close\r\n\r\n"
        ),
        format!("GET /v2?jwt={secret} HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        format!("{secret}\r\n\r\n"),
    ] {
        raw_request(&server.report().batch_url, raw.as_bytes()).await;
    }
}

/// Nothing of any secret is found in standard output, standard error or any file: of invented ones, of real ones, and of
/// the instance's own.
#[tokio::test]
async fn secrets_are_found_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(Path::new(BINARY), folder.path(), &[]).await;
    let home = server.home();
    let made = make_key_in(&home, &server.manager(), server.report().project_id, json!({})).await;
    let token = Mint::of("rt").key(&home, &made.caller()).await;
    let batch_token = Mint::of("batch").client_ref("u").key(&home, &made.caller()).await;
    home.job(&Caller::temporary_key(&batch_token)).await;
    let invented = "canary-5e1f0f6c4e3b4d1f9f3c";
    for secret in [invented, &made.secret, &token, &batch_token] {
        present(&server, secret).await;
    }
    // Controls: the log did say something of these requests, so it would have said the rest.
    let report = server.report().clone();
    let (ended_well, stdout, stderr) = server.terminate().await;
    assert!(ended_well);
    assert!(stderr.contains("/v1/projects") && stderr.contains("/v2/jobs"), "the log is silent: {stderr}");

    let mut secrets = vec![invented.to_owned(), made.secret, report.account.password.clone()];
    secrets.extend([report.api_key.clone(), report.management_token.clone()]);
    for token in [token, batch_token] {
        // The signature alone makes a token.
        secrets.push(token.rsplit('.').next().unwrap().to_owned());
    }
    let after_ready: String = stdout.lines().skip(1).collect();
    assert_eq!(after_ready, "", "one line on standard output, and nothing else");
    for secret in &secrets {
        assert!(!stderr.contains(secret.as_str()), "a secret is in the log: {}", &secret[..8]);
    }
    let files = Process::files_of(folder.path());
    assert!(files.len() > 5, "there are files to search");
    let mut kept_found = false;
    for (path, content) in files {
        if path.ends_with(KEPT_CREDENTIALS) {
            kept_found = true;
            continue;
        }
        for secret in &secrets {
            let is_there = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_there, "{} holds a secret: {}…", path.display(), &secret[..8]);
        }
    }
    assert!(kept_found);
}
