//! Uploads that are under way when their key loses its rights.

use std::net::SocketAddr;

use domain::link::Change;
use domain::{ClientRef, Clock as _, Product, ProductSet, Region};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::proxies::trusting;
use crate::raw_http2::{DATA, END_HEADERS, END_STREAM, HEADERS, RawHttp2, block, frame, request};
use crate::world::{Answer, Key, PROJECT, World, soon};

const UPLOAD_BYTES: usize = 400_000;
const SENT_BYTES: usize = 100_000;

/// Begins an upload and sends a part of it.
async fn begin(world: &World, path: &str, bearer: &str) -> TcpStream {
    begin_at(world.port(Region::Eu1), path, bearer, "").await
}

async fn begin_at(address: SocketAddr, path: &str, bearer: &str, more: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {bearer}\r\ncontent-length: {UPLOAD_BYTES}\r\n{more}\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&[7; SENT_BYTES]).await.unwrap();
    client
}

async fn intents(world: &World, count: usize) {
    let ledger = world.running().ledger;
    soon(async {
        while ledger.open_intents().await.unwrap().len() != count {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// All that comes until the gateway closes, without a byte more of the upload.
async fn answer(mut client: TcpStream) -> String {
    let mut answer = Vec::new();
    soon(client.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn key_change(key: &Key, edit: impl FnOnce(&mut domain::link::KeyRecord)) -> Change {
    let mut record = key.record.clone();
    edit(&mut record);
    Change::Key(record)
}

/// Whatever takes the right to an upload cuts it: its client is told at once, the engine gets no more of it, and nothing is left
/// behind. An upload beside it goes on.
#[tokio::test]
async fn a_right_that_is_lost_cuts_running_uploads() {
    let world = World::new().await;
    let now = world.clock.now();
    let (other, key) = (world.key().await, world.key().await);
    let mut beside = begin(&world, "/v2/jobs", other.bearer()).await;
    let temporary = |key: &Key| {
        let mut id = None;
        let token = world.temporary_with(key, |claims| {
            claims.client_ref = Some(ClientRef::new("USER").unwrap());
            id = Some(claims.id);
        });
        (token, id.unwrap())
    };
    let client_ref = ClientRef::new("USER").unwrap();
    let batch_lost = key_change(&key, |record| record.products = ProductSet::EMPTY.with(Product::Rt));
    let key_revoked = key.revoked(now);
    let (token, id) = temporary(&key);
    let cases = [
        (
            token,
            Change::TemporaryKeyRevoked { id, forget_at: now.plus_seconds(900) },
            "401",
            "credential_revoked",
        ),
        (
            temporary(&key).0,
            Change::ClientRefRevoked { project_id: PROJECT, client_ref },
            "401",
            "credential_revoked",
        ),
        (key.bearer().to_owned(), batch_lost, "403", "wrong_product"),
        (key.bearer().to_owned(), key_revoked, "401", "credential_revoked"),
    ];
    for (bearer, change, status, reason) in cases {
        world.change(Change::Key(key.record.clone())).await;
        let client = begin(&world, "/v2/jobs", &bearer).await;
        intents(&world, 2).await;
        world.change(change).await;
        let answer = answer(client).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains(&format!(r#""reason":"{reason}""#)), "{answer}");
        intents(&world, 1).await;
    }
    assert!(world.engine.recorded().iter().all(|request| request.body_bytes <= SENT_BYTES as u64));

    beside.write_all(&[7; UPLOAD_BYTES - SENT_BYTES]).await.unwrap();
    intents(&world, 0).await;
    assert_eq!(world.engine.last().body_bytes, UPLOAD_BYTES as u64);
    assert_eq!(world.listed("", other.bearer()).await.len(), 1);
}

/// What is at the engine whole is recorded and answered, though its key is revoked before the engine answers: the job exists.
#[tokio::test]
async fn a_whole_upload_is_not_cut() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let waiting =
        tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer()).body("audio")));
    soon(world.engine.create_arrived.notified()).await;
    world.change(key.revoked(world.clock.now())).await;
    world.engine.create_answers.add_permits(1);
    let answer = soon(waiting).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(world.listed("", other.bearer()).await, world.engine.jobs());
}

/// An upload of HTTP/2 is whole with the last byte of its length, though the frame that ends its stream comes by itself: a
/// revocation after that doesn't cut it, as it cuts one beside it of which something is missing.
#[tokio::test]
async fn a_whole_upload_is_not_cut_before_its_stream_ends() {
    let world = World::new().await;
    let (key, other) = (world.key().await, world.key().await);
    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let mut client = RawHttp2::connect(world.port(Region::Eu1)).await;
    let authorization = format!("Bearer {}", key.bearer());
    let mut fields = request("POST", "/v2/jobs", &authorization);
    fields.push(("content-length", "5"));
    client.send(&frame(HEADERS, END_HEADERS, 1, &block(&fields))).await;
    client.send(&frame(DATA, 0, 1, b"audio")).await;
    soon(world.engine.create_arrived.notified()).await;
    client.send(&frame(DATA, END_STREAM, 1, &[])).await;
    let unfinished = begin(&world, "/v2/jobs", key.bearer()).await;
    intents(&world, 2).await;
    world.change(key.revoked(world.clock.now())).await;
    let refused = answer(unfinished).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    world.engine.create_answers.add_permits(1);
    let created = client.until(|frame| frame.kind == DATA).await;
    assert_eq!(String::from_utf8(created.payload).unwrap(), r#"{"id":"job1"}"#);
    assert_eq!(world.listed("", other.bearer()).await, ["job1"]);
}

/// Behind a trusted proxy that passes on what its clients call their requests, no upload hides behind another one of the same id:
/// one is finished, the other is cut.
#[tokio::test]
async fn uploads_of_one_request_id_are_cut_each() {
    const SAME: &str = "x-request-id: 0192f0c1-2a3b-7c4d-8e5f-60718293a4b5\r\n";
    let world = World::new().await;
    let key = world.key().await;
    let proxied = trusting(&world, true).await;
    let hidden = begin_at(proxied, "/v2/jobs", key.bearer(), SAME).await;
    intents(&world, 1).await;
    let mut finished = begin_at(proxied, "/v2/jobs", key.bearer(), SAME).await;
    intents(&world, 2).await;
    finished.write_all(&[7; UPLOAD_BYTES - SENT_BYTES]).await.unwrap();
    let mut status = [0; 12];
    soon(finished.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 201");
    world.change(key.revoked(world.clock.now())).await;
    let answer = answer(hidden).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("request-id: 0192f0c1-2a3b-7c4d-8e5f-60718293a4b5"), "{answer}");
}

/// Begins an upload that the gateway asks to go on with: it is judged and under way.
async fn begin_asked(world: &World, path: &str, bearer: &str) -> TcpStream {
    let mut client = begin_at(world.port(Region::Eu1), path, bearer, "expect: 100-continue\r\n").await;
    let mut asked = [0; 25];
    soon(client.read_exact(&mut asked)).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    client
}

async fn is_expired(client: TcpStream) {
    let answer = answer(client).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains(r#""reason":"credential_expired""#), "{answer}");
}

/// A key that expires cuts its uploads and those of its temporary keys; no job comes of them. Uploads of a key that lasts go on, as
/// does one whose temporary key alone expires. An expiry that is set while they run counts too.
#[tokio::test]
async fn a_key_that_expires_cuts_running_uploads() {
    let world = World::new().await;
    let soon_over = world.clock.now().plus_seconds(1);
    let (long, other) = (world.key().await, world.key().await);
    let short = world.key_with(|record| record.expires_at = Some(soon_over)).await;
    let temporary = world.temporary_with(&other, |claims| claims.expires_at = soon_over);
    let dying = [
        begin_asked(&world, "/v2/jobs", short.bearer()).await,
        begin_asked(&world, "/v2/jobs", &world.temporary(&short, None)).await,
        begin_asked(&world, "/generate/sarah", short.bearer()).await,
    ];
    let shortened = begin_asked(&world, "/v2/jobs", long.bearer()).await;
    let living = [
        begin_asked(&world, "/v2/jobs", other.bearer()).await,
        begin_asked(&world, "/v2/jobs", &temporary).await,
    ];
    world.clock.advance_seconds(60);
    for client in dying {
        is_expired(client).await;
    }
    intents(&world, 3).await;
    let expires_at = Some(world.clock.now().plus_seconds(1));
    world.change(key_change(&long, |record| record.expires_at = expires_at)).await;
    world.clock.advance_seconds(1);
    is_expired(shortened).await;
    for mut client in living {
        client.write_all(&[7; UPLOAD_BYTES - SENT_BYTES]).await.unwrap();
        let mut status = [0; 12];
        soon(client.read_exact(&mut status)).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 201");
    }
    intents(&world, 0).await;
    assert_eq!(world.listed("", other.bearer()).await.len(), 2);
}
