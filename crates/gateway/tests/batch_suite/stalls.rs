//! Clients that stop taking an answer: what they hold is free again in time, and whoever goes on taking gets all.

use std::time::Duration;

use domain::{Clock as _, Region};
use gateway::GatewayLimits;
use gateway::limits::LIST_LOOKUPS_AT_ONCE_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::engine::FLOOD_BYTES;
use crate::raw_http2::{
    DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, RawHttp2, SETTINGS, WINDOW_UPDATE, block, frame,
    request,
};
use crate::world::{Setup, World, soon};

/// A world where a client may stop for so long. One worker serves all: what one request leaves to the pool, the next one takes.
async fn world(stall_seconds_max: u64) -> World {
    let gateway_limits = GatewayLimits {
        stall_seconds_max,
        drain_seconds_max: 1,
        worker_threads: 1,
        ..GatewayLimits::default()
    };
    World::with(Setup { gateway_limits, ..Setup::default() }).await
}

/// All bytes that come until the connection is over, in whichever way.
async fn count_bytes(mut client: TcpStream) -> u64 {
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    while let Ok(read @ 1..) = soon(client.read(&mut buffer)).await {
        received += read as u64;
    }
    received
}

/// A client that doesn't read its answer is hung up, and the engine's connection is free, though the request also asks for a
/// WebSocket where there is none. One that reads gets all.
#[tokio::test]
async fn nobody_holds_an_answer_for_ever() {
    // Long enough for a busy machine: whoever reads must not be taken for one that doesn't.
    let world = world(4).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let mut connections = world.engine.connections.subscribe();
    let before = *connections.borrow();
    for fields in ["connection: close", "upgrade: websocket", "connection: upgrade\r\nupgrade: websocket"] {
        let request = format!(
            "GET /v2/jobs/{job}/data HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n{fields}\r\n\r\n",
            key.bearer()
        );
        let ask = async || {
            let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
            client.write_all(request.as_bytes()).await.unwrap();
            client
        };
        let silent = ask().await;
        soon(connections.wait_for(|open| *open > before)).await.unwrap();
        soon(connections.wait_for(|open| *open == before)).await.unwrap();
        let received = count_bytes(silent).await;
        assert!(received < FLOOD_BYTES, "{fields}: {received}");
        let received = count_bytes(ask().await).await;
        assert!(received > FLOOD_BYTES, "{fields}: {received}");
    }
}

/// A client of HTTP/2 that gives no stream a window by itself, and the connection a large one.
async fn without_windows(world: &World) -> RawHttp2 {
    const INITIAL_WINDOW_SIZE: u8 = 4;
    let mut client = RawHttp2::connect(world.port(Region::Eu1)).await;
    client.send(&frame(SETTINGS, 0, 0, &[0, INITIAL_WINDOW_SIZE, 0, 0, 0, 0])).await;
    client.send(&window(0, 1 << 30)).await;
    client
}

fn window(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

fn get(stream: u32, path: &str, bearer: &str) -> Vec<u8> {
    let authorization = format!("Bearer {bearer}");
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", path, &authorization)))
}

/// Reads until so many bytes of a stream have come, or it is over.
async fn take(client: &mut RawHttp2, stream: u32, bytes: u64) -> u64 {
    let mut taken = 0;
    while taken < bytes {
        let frame = client.until(|frame| frame.stream == stream && frame.kind != HEADERS).await;
        assert_eq!(frame.kind, DATA, "{frame:?}");
        taken += frame.payload.len() as u64;
        if frame.flags & END_STREAM != 0 {
            break;
        }
    }
    taken
}

/// Streams that a client of HTTP/2 leaves standing lose their engine's connections, whatever else its connection carries meanwhile, and
/// what came of their answers isn't taken for the whole. A client that takes a little now and then gets all, and what has come
/// whole waits without an engine.
#[tokio::test]
async fn streams_that_stand_still_hold_no_engine() {
    const STREAMS: usize = 20;
    const LITTLE: u32 = 20 * 1024;
    let world = world(4).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let (data, log) = (format!("/v2/jobs/{job}/data"), format!("/v2/jobs/{job}/log"));
    let mut connections = world.engine.connections.subscribe();
    let before = *connections.borrow();

    let mut silent = without_windows(&world).await;
    let mut streams = (1..).step_by(2);
    for stream in streams.by_ref().take(STREAMS) {
        silent.send(&get(stream, &data, key.bearer())).await;
        silent.until(|frame| (frame.kind, frame.stream) == (HEADERS, stream)).await;
    }
    let mut slow = without_windows(&world).await;
    slow.send(&get(1, &data, key.bearer())).await;
    let mut taken = 0;
    // One stays for the slow client, and one in the pool for what has come whole.
    while *connections.borrow() > before + 2 {
        let stream = streams.next().unwrap();
        silent.send(&get(stream, &log, key.bearer())).await;
        silent.until(|frame| (frame.kind, frame.stream) == (HEADERS, stream)).await;
        slow.send(&window(1, LITTLE)).await;
        taken += take(&mut slow, 1, LITTLE.into()).await;
        drop(tokio::time::timeout(Duration::from_millis(200), connections.changed()).await);
    }
    slow.send(&window(1, 1 << 30)).await;
    taken += take(&mut slow, 1, FLOOD_BYTES).await;
    assert_eq!(taken, FLOOD_BYTES);

    silent.send(&window(1, LITTLE)).await;
    let over = silent.until(|frame| frame.stream == 1).await;
    assert_eq!(over.kind, RST_STREAM);
    let whole = u32::try_from(2 * STREAMS + 1).unwrap();
    silent.send(&window(whole, LITTLE)).await;
    let whole = silent.until(|frame| frame.stream == whole).await;
    assert_eq!((whole.kind, whole.payload), (DATA, format!("log of {job}").into_bytes()));
}

/// All that comes on a stream, and whether it came to its end.
async fn take_all(client: &mut RawHttp2, stream: u32) -> (Vec<u8>, bool) {
    let mut taken = Vec::new();
    loop {
        let frame = client.until(|frame| frame.stream == stream && frame.kind != HEADERS).await;
        if frame.kind != DATA {
            assert_eq!(frame.kind, RST_STREAM, "{frame:?}");
            return (taken, false);
        }
        taken.extend(frame.payload);
        if frame.flags & END_STREAM != 0 {
            return (taken, true);
        }
    }
}

/// A list is made no faster than its client reads, and for nobody who has lost the right to it meanwhile.
#[tokio::test]
async fn lists_go_no_further_than_they_are_read() {
    const JOBS: usize = 40;
    let world = world(60).await;
    let (key, lost) = (world.key().await, world.key().await);
    for _ in 0..JOBS {
        world.create(key.bearer()).await;
    }
    let before = world.engine.recorded().len();
    let asked = || world.engine.recorded().len() - before;
    let mut client = without_windows(&world).await;
    for (stream, key) in [(1, &key), (3, &lost)] {
        client.send(&get(stream, "/v2/jobs", key.bearer())).await;
        client.until(|frame| (frame.kind, frame.stream) == (HEADERS, stream)).await;
    }
    assert_eq!(asked(), 2 * LIST_LOOKUPS_AT_ONCE_MAX, "what nobody has read isn't followed by more");
    world.change(lost.revoked(world.clock.now())).await;
    client.send(&window(1, 1 << 30)).await;
    let (list, is_whole) = take_all(&mut client, 1).await;
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    assert!(is_whole && list["jobs"].as_array().unwrap().len() == JOBS, "{list}");
    client.send(&window(3, 1 << 30)).await;
    let (list, is_whole) = take_all(&mut client, 3).await;
    assert!(!is_whole, "{} bytes", list.len());
}

/// What is at hand for a client of HTTP/2 that leaves it standing is let go of in time. A client that takes a little now and then gets all.
#[tokio::test]
async fn large_answers_that_stand_still_are_let_go_of() {
    const STREAMS: usize = 50;
    const LARGE_BYTES: usize = 600_000;
    const LITTLE: u32 = 16 * 1024;
    let world = world(4).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    world.engine.edit(&job, |job| job["config"]["x"] = "y".repeat(LARGE_BYTES).into());
    let path = format!("/v2/jobs/{job}");
    let whole = world.get(&path, key.bearer()).await.body.len() as u64;
    let mut silent = without_windows(&world).await;
    let streams = || (1..).step_by(2).take(STREAMS);
    for stream in streams() {
        silent.send(&get(stream, &path, key.bearer())).await;
        silent.until(|frame| (frame.kind, frame.stream) == (HEADERS, stream)).await;
    }
    let mut slow = without_windows(&world).await;
    slow.send(&get(1, &path, key.bearer())).await;
    let mut taken = 0;
    // Each of them is looked at once, since looking at it is taking from it.
    for stream in streams() {
        silent.send(&window(stream, LITTLE)).await;
        if silent.until(|frame| frame.stream == stream).await.kind == RST_STREAM {
            slow.send(&window(1, 1 << 30)).await;
            taken += take(&mut slow, 1, whole - taken).await;
            assert_eq!(taken, whole);
            return;
        }
        slow.send(&window(1, LITTLE)).await;
        taken += take(&mut slow, 1, LITTLE.into()).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("none was let go of");
}
