//! Bodies stream through: constant memory, both ways, at the slower side's pace.

use std::time::Duration;

use bytes::Bytes;
use domain::Region;
use futures_util::StreamExt as _;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::FLOOD_BYTES;
use crate::world::{Answer, World, soon};

/// What the whole test process may grow by while a body of any size passes, in KiB: client, gateway and engine together.
pub const GROWTH_KIB_MAX: u64 = 24 * 1024;

/// The most memory that this process has had, in KiB.
pub fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

pub fn upload(bytes: u64) -> reqwest::Body {
    const CHUNK_BYTES: usize = 1 << 16;
    let chunk = Bytes::from(vec![7; CHUNK_BYTES]);
    let chunks = bytes / CHUNK_BYTES as u64;
    reqwest::Body::wrap_stream(
        futures_util::stream::iter(0..chunks).map(move |_| Ok::<_, std::io::Error>(chunk.clone())),
    )
}

async fn upload_in_constant_memory(bytes: u64) {
    let world = World::new().await;
    let key = world.key().await;
    world.create(key.bearer()).await;
    let before = peak_kib();
    let request = world.request(Method::POST, "/v2/jobs", key.bearer()).timeout(Duration::from_secs(300));
    let response = request.body(upload(bytes)).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(world.engine.last().body_bytes, bytes);
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
}

/// An upload of 1 GiB passes in constant memory.
#[tokio::test]
async fn a_gigabyte_streams() {
    upload_in_constant_memory(1 << 30).await;
}

/// An answer passes in constant memory, and a client that doesn't read stops the engine instead of filling the gateway.
#[tokio::test]
async fn answers_stream_at_the_clients_pace() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let before = peak_kib();
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    let request = format!(
        "GET /v2/jobs/{job}/data HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        key.bearer()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut received = soon(client.read(&mut buffer)).await.unwrap() as u64;
    assert!(buffer.starts_with(b"HTTP/1.1 200"));
    // Nothing is read for a while: other requests pass meanwhile.
    for _ in 0..200 {
        assert_eq!(world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 200);
    }
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
    loop {
        let read = soon(client.read(&mut buffer)).await.unwrap();
        if read == 0 {
            break;
        }
        received += read as u64;
    }
    assert!(received > FLOOD_BYTES, "{received}");
    assert!(peak_kib() - before < GROWTH_KIB_MAX);
}

/// A refusal reaches a client that is still sending, on a connection of its own and without a reset.
#[tokio::test]
async fn a_refusal_in_the_middle_of_an_upload() {
    let world = World::new().await;
    let key = world.key().await;
    for (credential, status) in [("nonsense", 401), (key.bearer(), 201)] {
        let request = world.request(Method::POST, "/v2/jobs", credential).body(upload(2 << 20));
        assert_eq!(Answer::of(request).await.status.as_u16(), status);
    }
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    client
        .write_all(b"POST /v2/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer x\r\ncontent-length: 1000000\r\n\r\n")
        .await
        .unwrap();
    client.write_all(&vec![0; 600_000]).await.unwrap();
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.expect("no reset");
    assert!(answer.starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&answer));
}

/// HTTP/2 by prior knowledge: many requests at once on one connection, uploads too, each with its own answer.
#[tokio::test]
async fn http2_carries_many_at_once() {
    let world = World::new().await;
    let key = world.key().await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
    let created = client.post(&url).bearer_auth(key.bearer()).body(upload(4 << 20));
    let response = created.send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (201, http::Version::HTTP_2));
    let mut answers = Vec::new();
    for number in 0..50 {
        let path = if number % 2 == 0 { format!("{url}/job1") } else { format!("{url}/unknown") };
        answers.push(tokio::spawn(client.get(path).bearer_auth(key.bearer()).send()));
    }
    let mut ids = std::collections::HashSet::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let response = soon(answer).await.unwrap().unwrap();
        assert_eq!(response.status().as_u16(), if number % 2 == 0 { 200 } else { 404 });
        ids.insert(response.headers()["request-id"].clone());
    }
    assert_eq!(ids.len(), 50);
    assert_eq!(client.get(&url).send().await.unwrap().status().as_u16(), 401);
}
