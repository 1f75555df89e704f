//! Requests that wait for a job when their key loses its rights.

use domain::Clock as _;
use gateway::{EngineCapabilities, Upstream};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::world::{Answer, Key, Setup, World, refused, soon};

fn wait(world: &World, method: Method, path: &str, key: &Key) -> JoinHandle<Answer> {
    tokio::spawn(Answer::of(world.request(method, path, key.bearer())))
}

/// Until the engine was asked so many times.
async fn asked(world: &World, count: usize) {
    soon(async {
        while world.engine.recorded().len() < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A wait ends as soon as its key is revoked, and gives nothing of the job. Another key of the project goes on waiting and gets it.
#[tokio::test]
async fn a_wait_ends_with_its_key() {
    let capabilities = EngineCapabilities { wait: false, ..EngineCapabilities::default() };
    let world = World::with(Setup { capabilities, ..Setup::default() }).await;
    let other = world.key().await;
    for tail in ["", "/transcript"] {
        let key = world.key().await;
        let job = world.create(key.bearer()).await;
        let path = format!("/v2/jobs/{job}{tail}?wait=60");
        let before = world.engine.recorded().len();
        let waiting = wait(&world, Method::GET, &path, &key);
        asked(&world, before + 1).await;
        let patient = wait(&world, Method::GET, &path, &other);
        world.change(key.revoked(world.clock.now())).await;
        let answer = soon(waiting).await.unwrap();
        assert_eq!(answer.refusal(), refused(401, "Permission Denied", "credential_revoked"));
        assert!(!patient.is_finished());
        world.engine.finish(&job, 5);
        assert_eq!(soon(patient).await.unwrap().status, 200);
    }
}

/// A create that waits for its transcript says which job it made, though its key is revoked meanwhile, and nothing more of it.
#[tokio::test]
async fn a_create_that_waits_gives_no_transcript_to_a_revoked_key() {
    let capabilities = EngineCapabilities { wait: false, ..EngineCapabilities::default() };
    let world = World::with(Setup { capabilities, ..Setup::default() }).await;
    let (key, other) = (world.key().await, world.key().await);
    let waiting = wait(&world, Method::POST, "/v2/jobs?wait=60", &key);
    asked(&world, 2).await;
    world.change(key.revoked(world.clock.now())).await;
    world.engine.finish("job1", 5);
    let answer = soon(waiting).await.unwrap();
    assert_eq!(answer.json(), serde_json::json!({"id": "job1", "status": "created"}));
    assert!(world.engine.recorded().iter().all(|one| !one.target.contains("transcript")));
    assert_eq!(world.get("/v2/jobs/job1/transcript", other.bearer()).await.status, 200);
}

async fn answer(engine: &mut TcpStream, status: &str, body: &str) {
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
    engine.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
}

async fn read_until(engine: &mut TcpStream, end: &[u8]) {
    let mut request = Vec::new();
    while !request.ends_with(end) {
        request.push(soon(engine.read_u8()).await.unwrap());
    }
}

/// Where the engine waits, what it says after the revocation is given to nobody whose key was revoked. Another key gets it.
#[tokio::test]
async fn what_an_engine_waited_for_is_not_given_to_a_revoked_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let capabilities = EngineCapabilities { wait: true, ..EngineCapabilities::default() };
    let world = World::with(Setup { capabilities, upstream: Some(upstream), ..Setup::default() }).await;
    let other = world.key().await;
    let creating =
        tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", other.bearer()).body("audio")));
    let mut engine = soon(listener.accept()).await.unwrap().0;
    read_until(&mut engine, b"audio").await;
    answer(&mut engine, "201 Created", r#"{"id":"job1"}"#).await;
    assert_eq!(soon(creating).await.unwrap().status, 201);

    for tail in ["", "/transcript"] {
        let key = world.key().await;
        let path = format!("/v2/jobs/job1{tail}?wait=60");
        let body =
            r#"{"job":{"id":"job1","status":"done","duration":5,"created_at":"2026-03-10T12:00:00Z"}}"#;
        for (asking, is_revoked) in [(&other, false), (&key, true)] {
            let waiting = wait(&world, Method::GET, &path, asking);
            let mut engine = soon(listener.accept()).await.unwrap().0;
            read_until(&mut engine, b"\r\n\r\n").await;
            if is_revoked {
                world.change(key.revoked(world.clock.now())).await;
            }
            answer(&mut engine, "200 OK\r\nconnection: close", body).await;
            let answer = soon(waiting).await.unwrap();
            match is_revoked {
                true => assert_eq!(answer.refusal(), refused(401, "Permission Denied", "credential_revoked")),
                false => assert_eq!(answer.status, 200, "{}", answer.text()),
            }
        }
    }
}
