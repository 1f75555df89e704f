//! Requests without a body, as they are spoken with engines: connections are used again where that is safe, and an answer that
//! can't be read clearly harms nobody but its own request.

use std::sync::Arc;
use std::time::Duration;

use domain::{Product, ProductSet, Region};
use gateway::metrics::EngineFault;
use gateway::upstream::{EngineError, Pool, RequestHead};
use gateway::{GatewayLimits, Metrics, Upstream};
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::raw_http2::{DATA, END_HEADERS, END_STREAM, HEADERS, RawHttp2, block, frame, request};
use crate::world::{Setup, World, soon};

/// What a scripted engine does with one connection.
#[derive(Clone)]
enum Act {
    /// Reads a head, and sends this.
    Answer(&'static str),
    /// Sends this without being asked.
    Say(&'static str),
    /// Reads a head, and closes.
    Close,
    /// Sends these one after the other, with a pause before each.
    Pieces(Duration, &'static [&'static str]),
    /// Says nothing more, and leaves the connection open.
    Stall,
}

/// An engine whose connections do what they are told, one after the other; behind its script a connection ends.
async fn engine(connections: Vec<Vec<Act>>) -> Arc<Pool> {
    limited_engine(GatewayLimits::default(), connections).await
}

async fn limited_engine(limits: GatewayLimits, connections: Vec<Vec<Act>>) -> Arc<Pool> {
    counted_engine(limits, connections, &Arc::new(Metrics::new(1))).await
}

async fn counted_engine(
    limits: GatewayLimits,
    connections: Vec<Vec<Act>>,
    metrics: &Arc<Metrics>,
) -> Arc<Pool> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let mut stalled = Vec::new();
        for script in connections {
            let (mut stream, _) = listener.accept().await.unwrap();
            for act in script {
                match act {
                    Act::Answer(bytes) => {
                        read_head(&mut stream).await;
                        stream.write_all(bytes.as_bytes()).await.unwrap();
                    }
                    Act::Say(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap(),
                    Act::Close => read_head(&mut stream).await,
                    Act::Pieces(pause, pieces) => {
                        for piece in pieces {
                            tokio::time::sleep(pause).await;
                            stream.write_all(piece.as_bytes()).await.unwrap();
                        }
                    }
                    Act::Stall => {
                        stalled.push(stream);
                        break;
                    }
                }
            }
        }
    });
    Pool::new(upstream, limits, Region::Eu1, metrics.clone())
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

async fn ask(pool: &Arc<Pool>) -> Result<(StatusCode, Result<Vec<u8>, String>), EngineError> {
    let request = RequestHead::new(&Method::GET, "", "/v2/jobs/a").unwrap();
    let response = soon(pool.ask(&request)).await?;
    let status = response.status();
    let body = soon(response.into_body().collect()).await;
    Ok((status, body.map(|body| body.to_bytes().to_vec()).map_err(|error| error.to_string())))
}

const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n";
const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\n\r\n{}";

/// One connection serves one request after the other, whatever tells where their answers end, until an answer ends
/// with it.
#[tokio::test]
async fn a_connection_serves_many() {
    let pool = engine(vec![vec![
        Act::Answer(SHORT),
        Act::Answer(CHUNKED),
        Act::Answer(SHORT),
        Act::Answer(UNTIL_CLOSE),
    ]])
    .await;
    for _ in 0..4 {
        assert_eq!(ask(&pool).await.unwrap(), (StatusCode::OK, Ok(b"{}".to_vec())));
    }
}

/// What an engine sends beyond its answer is never taken for the next one: the connection is given up.
#[tokio::test]
async fn bytes_that_nobody_asked_for_end_the_connection() {
    let smuggled =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged";
    let pool = engine(vec![vec![Act::Answer(smuggled)], vec![Act::Answer(SHORT)]]).await;
    for _ in 0..2 {
        assert_eq!(ask(&pool).await.unwrap(), (StatusCode::OK, Ok(b"{}".to_vec())));
    }
    // Said before anybody asked, on a connection that was kept.
    let pool = engine(vec![
        vec![Act::Answer(SHORT), Act::Say("HTTP/1.1 408 Timeout\r\n\r\n")],
        vec![Act::Answer(SHORT)],
    ])
    .await;
    assert!(ask(&pool).await.is_ok());
    while !matches!(ask(&pool).await, Ok((StatusCode::OK, _))) {}
}

/// A connection that ends while it is used again may have been closing: that is told, so that who asked may ask again. A
/// fresh one that ends is a failure.
#[tokio::test]
async fn connections_that_end_are_told_apart() {
    let pool =
        engine(vec![vec![Act::Answer(SHORT), Act::Close], vec![Act::Answer(SHORT)], vec![Act::Close]]).await;
    assert!(ask(&pool).await.is_ok());
    assert!(matches!(ask(&pool).await, Err(EngineError::Interrupted { reused: true, .. })));
    assert!(ask(&pool).await.is_ok());
    let pool = engine(vec![vec![Act::Close]]).await;
    assert!(matches!(ask(&pool).await, Err(EngineError::Interrupted { reused: false, .. })));
}

/// An answer that breaks off, or that could end at two places, fails, and the next request has a connection of its own.
#[tokio::test]
async fn unclear_answers_fail_alone() {
    for broken in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "SSH-2.0-engine\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        let pool = engine(vec![vec![Act::Answer(broken)], vec![Act::Answer(SHORT)]]).await;
        assert!(matches!(ask(&pool).await, Err(EngineError::Answer(_))), "{broken:?}");
        assert_eq!(ask(&pool).await.unwrap(), (StatusCode::OK, Ok(b"{}".to_vec())));
    }
    for broken in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    ] {
        let pool = engine(vec![vec![Act::Answer(broken)], vec![Act::Answer(SHORT)]]).await;
        assert!(matches!(ask(&pool).await, Ok((StatusCode::OK, Err(_)))), "{broken:?}");
        assert_eq!(ask(&pool).await.unwrap(), (StatusCode::OK, Ok(b"{}".to_vec())));
    }
}

fn stall_seconds_max(seconds: u64) -> GatewayLimits {
    GatewayLimits { engine_stall_seconds_max: seconds, ..GatewayLimits::default() }
}

/// An answer that stops in its middle fails when its time is over, wherever it was to end, and the next request has a connection
/// of its own.
#[tokio::test]
async fn an_answer_that_stops_fails() {
    for begun in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
        "HTTP/1.1 200 OK\r\n\r\n{",
    ] {
        let script = vec![vec![Act::Answer(begun), Act::Stall], vec![Act::Answer(SHORT)]];
        let pool = limited_engine(stall_seconds_max(1), script).await;
        let (status, body) = ask(&pool).await.unwrap();
        assert_eq!((status, body.is_err()), (StatusCode::OK, true), "{begun:?}");
        assert_eq!(ask(&pool).await.unwrap(), (StatusCode::OK, Ok(b"{}".to_vec())));
    }
}

/// Every answer that an engine doesn't bring to its end is counted, by what went wrong; those that it does are not.
#[tokio::test]
async fn answers_that_break_off_are_counted() {
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    let unclear = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n";
    for (script, fault) in [
        (vec![Act::Answer(SHORT)], None),
        (vec![Act::Answer(UNTIL_CLOSE)], None),
        (vec![Act::Answer(begun)], Some(EngineFault::Interrupted)),
        (vec![Act::Answer(begun), Act::Stall], Some(EngineFault::Timeout)),
        (vec![Act::Answer(unclear)], Some(EngineFault::Invalid)),
    ] {
        let metrics = Arc::new(Metrics::new(1));
        // Another connection that nobody makes, so that the one before stays as it is.
        let script = vec![script, vec![Act::Answer(SHORT)]];
        let pool = counted_engine(stall_seconds_max(1), script, &metrics).await;
        let (_, body) = ask(&pool).await.unwrap();
        assert_eq!(body.is_err(), fault.is_some(), "{fault:?}");
        let counted: Vec<_> = fault.map(|fault| (Some(Region::Eu1), fault, 1)).into_iter().collect();
        assert_eq!(metrics.engine_faults(), counted);
    }
}

/// An upload whose answer breaks off counts as the engine's failure; one that its client breaks off does not.
#[tokio::test]
async fn broken_uploads_are_counted_by_whose_fault_it_is() {
    let engine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", engine.local_addr().unwrap())).unwrap();
    let world = World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await;
    let key = world.key_with(|record| record.products = ProductSet::EMPTY.with(Product::Tts)).await;
    let gateway = world.running().gateway;
    let head = format!(
        "POST /generate/sarah HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 10\r\n\r\n",
        key.bearer()
    );
    for (sent, faults) in [("01234", 0), ("0123456789", 1)] {
        let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
        client.write_all(format!("{head}{sent}").as_bytes()).await.unwrap();
        let mut asked = accept(&engine).await;
        read_head(&mut asked).await;
        soon(asked.read_exact(&mut vec![0; sent.len()])).await.unwrap();
        asked.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0").await.unwrap();
        read_head(&mut client).await;
        if faults == 0 {
            // The client goes first, and takes the engine's connection with it.
            drop(client);
            let mut rest = Vec::new();
            drop(soon(asked.read_to_end(&mut rest)).await);
        } else {
            drop(asked);
            let mut rest = Vec::new();
            drop(soon(client.read_to_end(&mut rest)).await);
        }
        let counted: u64 = gateway.metrics().engine_faults().iter().map(|(_, _, count)| count).sum();
        assert_eq!(counted, faults);
    }
}

/// An answer that comes slowly but moves arrives whole, though all of it takes longer than an engine may stop; and so does one
/// that whoever asked didn't read for so long.
#[tokio::test]
async fn a_slow_answer_arrives_whole() {
    const STALL_SECONDS_MAX: u64 = 5;
    const PIECES: &[&str] = &["1"; 12];
    let begin = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n0";
    let pause = Duration::from_millis(500);
    let script = vec![vec![Act::Answer(begin), Act::Pieces(pause, PIECES)]; 2];
    let pool = limited_engine(stall_seconds_max(STALL_SECONDS_MAX), script).await;
    let whole = (StatusCode::OK, Ok(b"0111111111111".to_vec()));
    assert_eq!(ask(&pool).await.unwrap(), whole);

    let request = RequestHead::new(&Method::GET, "", "/v2/jobs/a").unwrap();
    let mut body = soon(pool.ask(&request)).await.unwrap().into_body();
    let mut all = Vec::new();
    while let Some(frame) = soon(body.frame()).await {
        if all.is_empty() {
            tokio::time::sleep(Duration::from_secs(STALL_SECONDS_MAX + 1)).await;
        }
        all.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert_eq!(all, b"0111111111111");
}

async fn accept(engine: &TcpListener) -> TcpStream {
    soon(engine.accept()).await.unwrap().0
}

/// An engine that answered before it had the whole body gets no other request on that connection: it may take what it didn't wait
/// for as a request, and its answer would go to somebody else. One that waited keeps its connection.
#[tokio::test]
async fn behind_an_early_answer_a_connection_is_not_used_again() {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    let engine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", engine.local_addr().unwrap())).unwrap();
    let world = World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await;
    let key = world.key_with(|record| record.products = ProductSet::EMPTY.with(Product::Tts)).await;
    let head = format!(
        "POST /generate/sarah HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 10\r\n\r\n",
        key.bearer()
    );
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    let mut body = [0; 10];

    client.write_all(format!("{head}0123456789").as_bytes()).await.unwrap();
    let mut patient = accept(&engine).await;
    read_head(&mut patient).await;
    patient.read_exact(&mut body).await.unwrap();
    patient.write_all(&[ANSWER, &body].concat()).await.unwrap();
    read_head(&mut client).await;
    client.read_exact(&mut body).await.unwrap();

    // The same connection; now the answer begins first, and the client has seen that before it goes on.
    client.write_all(format!("{head}01234").as_bytes()).await.unwrap();
    read_head(&mut patient).await;
    patient.write_all(ANSWER).await.unwrap();
    read_head(&mut client).await;
    client.write_all(b"56789").await.unwrap();
    soon(patient.read_exact(&mut body)).await.unwrap();
    patient.write_all(&body).await.unwrap();
    client.read_exact(&mut body).await.unwrap();

    client.write_all(format!("{head}0123456789").as_bytes()).await.unwrap();
    let mut other = accept(&engine).await;
    read_head(&mut other).await;
    assert_eq!(soon(patient.read(&mut body)).await.unwrap(), 0, "the first connection has ended");
}

/// An upload of HTTP/2 that has its whole length leaves its connection to the next one, though the frame that ends its stream comes
/// by itself, and after the answer.
#[tokio::test]
async fn whole_uploads_of_http2_share_a_connection() {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let engine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::parse(&format!("http://{}", engine.local_addr().unwrap())).unwrap();
    let world = World::with(Setup { upstream: Some(upstream), ..Setup::default() }).await;
    let key = world.key_with(|record| record.products = ProductSet::EMPTY.with(Product::Tts)).await;
    let authorization = format!("Bearer {}", key.bearer());
    let mut fields = request("POST", "/generate/sarah", &authorization);
    fields.push(("content-length", "5"));
    let mut client = RawHttp2::connect(world.port(Region::Eu1)).await;
    let mut connection = None;
    for stream in [1, 3, 5] {
        client.send(&frame(HEADERS, END_HEADERS, stream, &block(&fields))).await;
        client.send(&frame(DATA, 0, stream, b"hello")).await;
        let connection = match &mut connection {
            None => connection.insert(accept(&engine).await),
            Some(connection) => connection,
        };
        soon(read_head(connection)).await;
        soon(connection.read_exact(&mut [0; 5])).await.unwrap();
        connection.write_all(ANSWER).await.unwrap();
        client.until(|frame| frame.stream == stream && frame.flags & END_STREAM != 0).await;
        client.send(&frame(DATA, END_STREAM, stream, &[])).await;
    }
}
