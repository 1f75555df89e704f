//! Jobs that fetch their audio.

use crate::support::{Running, config, form, wav};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A web server of one answer per path; it remembers the requests.
struct Web {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    async fn start(answers: Vec<(&'static str, Vec<u8>)>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                // 0x16 is how TLS starts: this server speaks none.
                while !request.ends_with(b"\r\n\r\n") && request != [0x16] {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let Some(answer) = answers.iter().find(|(path, _)| request.contains(path)) else { continue };
                seen.lock().unwrap().push(request.clone());
                let _ = stream.write_all(&answer.1).await;
            }
        });
        Web { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    answer
}

async fn fetch(sandbox: &Running, url: &str) -> (String, Value) {
    let mut config = config();
    config["fetch_data"] =
        json!({"url": url, "auth_headers": ["Authorization: Bearer fetch-secret", "X-Other: 1"]});
    let created = sandbox.post("/v2/jobs", form(&config, None)).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let job = sandbox.finished(&id).await;
    (id, job)
}

/// Audio is fetched with the headers given, and becomes a job like any other; no secret comes back.
#[tokio::test]
async fn audio_is_fetched() {
    let file = wav(&[(0.5, 1.0)]);
    let web = Web::start(vec![("GET /a/b.wav?sig=hidden ", answer("200 OK", &file))]).await;
    let sandbox = Running::start(None).await;
    let (id, job) = fetch(&sandbox, &format!("http://{}/a/b.wav?sig=hidden", web.address)).await;
    assert_eq!((&job["status"], &job["data_name"]), (&json!("done"), &json!("b.wav")));
    assert!(!job.to_string().contains("fetch-secret"));
    assert_eq!(sandbox.get(&format!("/v2/jobs/{id}/data")).await.body, file);
    let request = web.requests()[0].to_lowercase();
    assert!(
        request.contains("authorization: bearer fetch-secret") && request.contains("x-other: 1"),
        "{request}"
    );
    let log = sandbox.get(&format!("/v2/jobs/{id}/log")).await.text();
    assert!(!log.contains("hidden") && !log.contains("fetch-secret"), "{log}");
    sandbox.stop().await;
}

/// Redirects are followed; the credentials stay with the server that they were meant for.
#[tokio::test]
async fn redirects_do_not_carry_credentials_elsewhere() {
    let file = wav(&[(0.5, 1.0)]);
    let other = Web::start(vec![("GET /c.wav", answer("200 OK", &file))]).await;
    let away = answer(&format!("302 Found\r\nLocation: http://{}/c.wav", other.address), b"");
    let web = Web::start(vec![("GET /a ", answer("307 Go\r\nLocation: /b", b"")), ("GET /b ", away)]).await;
    let sandbox = Running::start(None).await;
    let (_, job) = fetch(&sandbox, &format!("http://{}/a", web.address)).await;
    assert_eq!(job["status"], "done");
    assert!(web.requests().iter().all(|request| request.contains("fetch-secret")));
    assert!(!other.requests()[0].contains("fetch-secret"));
    sandbox.stop().await;
}

/// A fetch that fails rejects the job, and the job says why.
#[tokio::test]
async fn failed_fetches_reject_the_job() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort".to_vec();
    let web = Web::start(vec![
        ("GET /teapot ", answer("418 Teapot", b"")),
        ("GET /loop ", answer("302 Found\r\nLocation: /loop", b"")),
        ("GET /file ", answer("302 Found\r\nLocation: file:///etc/passwd", b"")),
        ("GET /cut ", cut),
    ])
    .await;
    let sandbox = Running::start(None).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, message) in [
        (format!("http://{}/teapot", web.address), "Audio fetch error, http status 418"),
        (format!("http://{}/loop", web.address), "more than 5 redirects"),
        (format!("http://{}/file", web.address), "no http or https URL"),
        (format!("http://{}/cut", web.address), "broke off"),
        (format!("http://{closed}/"), "could not be reached"),
        (format!("https://{}/", web.address), "could not be reached"),
    ] {
        let (id, job) = fetch(&sandbox, &url).await;
        assert_eq!(job["status"], "rejected", "{url}");
        let found = job["errors"][0]["message"].as_str().unwrap();
        assert!(found.contains(message), "{url}: {found}");
        sandbox.get(&format!("/v2/jobs/{id}/transcript")).await.assert_error(404, "Job rejected");
    }
    sandbox.stop().await;
}
