//! HTTP/2: the same answers as over HTTP/1.1, the same limits, and no way to hurt others by frames that HTTP/1.1 doesn't have.

use std::time::Duration;

use domain::Region;
use gateway::GatewayLimits;
use gateway::limits::{HEAD_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use reqwest::{Client, Method};

use crate::raw_http2::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, RawHttp2,
    SETTINGS, WINDOW_UPDATE, block, frame, request,
};
use crate::streaming::{GROWTH_KIB_MAX, peak_kib, upload};
use crate::world::{Answer, Setup, World, soon};

const PROTOCOL_ERROR: u32 = 0x1;
const REFUSED_STREAM: u32 = 0x7;

fn client() -> Client {
    Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

async fn raw(world: &World) -> RawHttp2 {
    RawHttp2::connect(world.port(Region::Eu1)).await
}

/// A request without a body on a stream.
fn get(stream: u32, path: &str, bearer: &str) -> Vec<u8> {
    let authorization = format!("Bearer {bearer}");
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&request("GET", path, &authorization)))
}

/// The status of an answer, where it is one that the static table holds.
fn status(payload: &[u8]) -> u16 {
    match payload[0] {
        0x88 => 200,
        0x8c => 400,
        0x8d => 404,
        other => u16::from(other),
    }
}

/// Every call of the Jobs API is answered as over HTTP/1.1: status, body, and the headers that say what the body is.
#[tokio::test]
async fn all_calls_are_answered_alike() {
    let world = World::new().await;
    let key = world.key().await;
    let http2 = client();
    let job = world.create(key.bearer()).await;
    world.engine.finish(&job, 4);
    for (method, path, bearer) in [
        (Method::GET, "/v2/jobs", key.bearer()),
        (Method::GET, "/v2/jobs?limit=0", key.bearer()),
        (Method::GET, "/v2/jobs/", key.bearer()),
        (Method::GET, &format!("/v2/jobs/{job}"), key.bearer()),
        (Method::HEAD, &format!("/v2/jobs/{job}"), key.bearer()),
        (Method::GET, &format!("/v2/jobs/{job}/transcript?format=txt"), key.bearer()),
        (Method::GET, &format!("/v2/jobs/{job}/log"), key.bearer()),
        (Method::GET, "/v2/jobs/unknown", key.bearer()),
        (Method::PUT, "/v2/jobs", key.bearer()),
        (Method::OPTIONS, "/v2/jobs", key.bearer()),
        (Method::GET, "/v2/usage", key.bearer()),
        (Method::GET, "/v1/discovery/features", key.bearer()),
        (Method::GET, "/v2/jobs", "nonsense"),
        (Method::GET, "/nothing", key.bearer()),
        (Method::GET, "/v2//jobs", key.bearer()),
        (Method::POST, "/generate/sarah", key.bearer()),
    ] {
        let url = format!("http://{}{path}", world.port(Region::Eu1));
        let [one, two] =
            [&world.client, &http2].map(|client| client.request(method.clone(), &url).bearer_auth(bearer));
        let (one, two) = (Answer::of(one).await, Answer::of(two).await);
        assert_eq!((one.status, one.text()), (two.status, two.text()), "{method} {path}");
        for name in
            ["content-type", "allow", "www-authenticate", "access-control-allow-origin", "cache-control"]
        {
            assert_eq!(one.headers.get(name), two.headers.get(name), "{name} of {method} {path}");
        }
    }
    let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
    let form = reqwest::multipart::Form::new().text("config", r#"{"type":"transcription"}"#);
    let created = Answer::of(http2.post(&url).bearer_auth(key.bearer()).multipart(form)).await;
    assert_eq!(created.status, 201);
    let job = created.json()["id"].as_str().unwrap().to_owned();
    let deleted = Answer::of(http2.delete(format!("{url}/{job}?force=true")).bearer_auth(key.bearer())).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 404);
}

/// An upload passes in constant memory, since the client is held back by its window; so does an answer that isn't taken.
#[tokio::test]
async fn bodies_stream_in_constant_memory() {
    const BYTES: u64 = 256 << 20;
    let world = World::new().await;
    let key = world.key().await;
    let http2 = client();
    let job = world.create(key.bearer()).await;
    let before = peak_kib();
    let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
    let request = http2.post(&url).bearer_auth(key.bearer()).timeout(Duration::from_secs(300));
    assert_eq!(request.body(upload(BYTES)).send().await.unwrap().status(), 201);
    assert_eq!(world.engine.last().body_bytes, BYTES);
    // An answer whose window is never opened again.
    let mut client = raw(&world).await;
    client.send(&get(1, &format!("/v2/jobs/{job}/data"), key.bearer())).await;
    client.until(|frame| frame.kind == DATA).await;
    for _ in 0..100 {
        assert_eq!(world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 200);
    }
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
}

/// What a client says in trailers never reaches the engine, and its body does.
#[tokio::test]
async fn trailers_end_here() {
    let world = World::new().await;
    let key = world.key().await;
    let mut client = raw(&world).await;
    let authorization = format!("Bearer {}", key.bearer());
    client.send(&frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/v2/jobs", &authorization)))).await;
    client.send(&frame(DATA, 0, 1, b"the body")).await;
    let trailers = block(&[("voxgate-project", "8"), ("x-sm-processing-data", "{}")]);
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers)).await;
    client.until(|frame| frame.kind == HEADERS && frame.stream == 1).await;
    let recorded = world.engine.last();
    assert_eq!((recorded.body.as_slice(), recorded.trailers), (b"the body".as_slice(), false));
    assert_eq!(recorded.headers["voxgate-project"], "7");
}

/// What HTTP/2 forbids in a request is refused, and the engine hears nothing of it. Where the request can be told from others, they
/// are served on.
#[tokio::test]
async fn malformed_requests_are_refused() {
    let world = World::new().await;
    let key = world.key().await;
    let authorization = format!("Bearer {}", key.bearer());
    let good = request("GET", "/v2/jobs", &authorization);
    let with = |more: &[(&'static str, &'static str)]| {
        let mut fields = good.clone();
        fields.extend(more);
        block(&fields)
    };
    let before = world.engine.recorded().len();
    for (name, is_alone, block) in [
        ("connection", false, with(&[("connection", "x")])),
        ("transfer-encoding", false, with(&[("transfer-encoding", "chunked")])),
        ("upgrade", false, with(&[("upgrade", "websocket")])),
        ("te", false, with(&[("te", "gzip")])),
        ("pseudo-header twice", false, with(&[(":path", "/other")])),
        ("pseudo-header behind", false, with(&[(":authority", "a")])),
        ("no method", false, block(&good[1..])),
        ("upper case", true, with(&[("Authorization", "Bearer x")])),
        ("line break", true, with(&[("x-a", "b\r\nauthorization: Bearer y")])),
        ("NUL", true, with(&[("x-a", "b\0")])),
    ] {
        let mut client = raw(&world).await;
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
        let answer = loop {
            match client.next().await {
                Some(frame) if frame.stream == 1 || frame.kind == GOAWAY => break Some(frame),
                Some(_) => {}
                None => break None,
            }
        };
        let refused = match answer {
            None => is_alone,
            Some(frame) if frame.kind == GOAWAY => is_alone,
            Some(frame) => {
                frame.kind == RST_STREAM || (frame.kind == HEADERS && status(&frame.payload) == 400)
            }
        };
        assert!(refused, "{name}");
        if !is_alone {
            client.send(&get(3, "/v2/jobs", key.bearer())).await;
            let answer = client.until(|frame| frame.stream == 3).await;
            assert_eq!((answer.kind, status(&answer.payload)), (HEADERS, 200), "after {name}");
        }
    }
    assert_eq!(world.engine.recorded().len(), before, "the engine has heard of none of them");
}

/// Two hosts in one request are as ambiguous as over HTTP/1.1, and a user beside the host is none of ours: on every listener,
/// whether or not it goes by the host.
#[tokio::test]
async fn a_host_beside_the_authority_must_be_the_same() {
    let world = World::new().await;
    let key = world.key().await;
    let authorization = format!("Bearer {}", key.bearer());
    for listener in [world.running().by_host, world.port(Region::Eu1)] {
        let mut client = RawHttp2::connect(listener).await;
        for (stream, authority, host, expected) in [
            (1, "eu1.asr.example.org", "us1.asr.example.org", 400),
            (3, "eu1.asr.example.org", "eu1.asr.example.org", 200),
            (5, "eu1.asr.example.org", "EU1.asr.example.org", 200),
            (7, "user@eu1.asr.example.org", "user@eu1.asr.example.org", 400),
        ] {
            let fields = [
                (":method", "GET"),
                (":scheme", "http"),
                (":authority", authority),
                (":path", "/v2/jobs"),
                ("host", host),
                ("authorization", &authorization),
            ];
            client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&fields))).await;
            let answer = client.until(|frame| frame.kind == HEADERS && frame.stream == stream).await;
            assert_eq!(status(&answer.payload), expected, "{authority} and {host}");
        }
    }
}

/// As many streams as the limit says are served at once; the one beyond is refused, and the others are answered.
#[tokio::test]
async fn streams_have_a_limit() {
    let world = World::new().await;
    let key = world.key().await;
    let held = world.engine.create_answers.clone();
    held.forget_permits(usize::MAX);
    let mut client = raw(&world).await;
    let authorization = format!("Bearer {}", key.bearer());
    let create = block(&request("POST", "/v2/jobs", &authorization));
    let over = STREAMS_PER_CONNECTION_MAX * 2 + 1;
    for stream in (1..=over).step_by(2) {
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &create)).await;
    }
    let refused = client.until(|frame| frame.kind == RST_STREAM).await;
    assert_eq!((refused.stream, refused.payload), (over, REFUSED_STREAM.to_be_bytes().to_vec()));
    held.add_permits(usize::try_from(STREAMS_PER_CONNECTION_MAX).unwrap());
    let mut answered = std::collections::HashSet::new();
    while answered.len() < usize::try_from(STREAMS_PER_CONNECTION_MAX).unwrap() {
        let frame = client.until(|frame| frame.kind == HEADERS).await;
        assert!(answered.insert(frame.stream) && frame.stream < over);
    }
}

/// A head of the longest length is read, one beyond is refused by the library, which says nothing but that, and the connection
/// goes on.
#[tokio::test]
async fn heads_have_a_limit() {
    let world = World::new().await;
    let key = world.key().await;
    let http2 = client();
    let url = format!("http://{}/v2/jobs", world.port(Region::Eu1));
    for (bytes, expected) in [(HEAD_BYTES_MAX - 2048, 200), (HEAD_BYTES_MAX + 1, 431), (100, 200)] {
        let answer =
            Answer::of(http2.get(&url).bearer_auth(key.bearer()).header("x-long", "x".repeat(bytes))).await;
        assert_eq!(answer.status, expected, "{bytes}");
        assert!(expected != 431 || answer.body.is_empty(), "{}", answer.text());
    }
}

/// A client that gives up a request stops what it started, and its connection goes on.
#[tokio::test]
async fn resets_end_one_request() {
    let world = World::new().await;
    let key = world.key().await;
    let mut client = raw(&world).await;
    let authorization = format!("Bearer {}", key.bearer());
    client.send(&frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/v2/jobs", &authorization)))).await;
    client.send(&frame(DATA, 0, 1, b"half of it")).await;
    client.send(&frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())).await;
    client.send(&get(3, "/v2/jobs", key.bearer())).await;
    let answer = client.until(|frame| frame.kind == HEADERS).await;
    assert_eq!((answer.stream, status(&answer.payload)), (3, 200));
    assert_eq!(world.listed("", key.bearer()).await, Vec::<String>::new(), "nothing was created");
}

/// WebSockets are opened over HTTP/1.1 alone: over HTTP/2 they are refused, and the connection goes on.
#[tokio::test]
async fn websockets_are_refused() {
    let world = World::new().await;
    let key = world.key().await;
    let authorization = format!("Bearer {}", key.bearer());
    let mut client = raw(&world).await;
    let settings = client.until(|frame| frame.kind == SETTINGS && frame.flags & ACK == 0).await;
    const ENABLE_CONNECT_PROTOCOL: [u8; 2] = [0, 8];
    assert!(settings.payload.chunks(6).all(|setting| setting[..2] != ENABLE_CONNECT_PROTOCOL));
    let extended = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "/v2"),
        ("authorization", authorization.as_str()),
    ];
    client.send(&frame(HEADERS, END_HEADERS, 1, &block(&extended))).await;
    let refused = client.until(|frame| frame.stream == 1).await;
    assert_eq!((refused.kind, refused.payload), (RST_STREAM, PROTOCOL_ERROR.to_be_bytes().to_vec()));
    let plain =
        [(":method", "CONNECT"), (":authority", "engine:80"), ("authorization", authorization.as_str())];
    client.send(&frame(HEADERS, END_HEADERS, 3, &block(&plain))).await;
    let refused = client.until(|frame| frame.stream == 3).await;
    assert!(refused.kind == HEADERS && matches!(status(&refused.payload), 400 | 404), "{refused:?}");
    client.send(&get(5, "/v2/jobs", key.bearer())).await;
    let answer = client.until(|frame| frame.stream == 5).await;
    assert_eq!((answer.kind, status(&answer.payload)), (HEADERS, 200));
}

/// A gateway that ends says so, answers what was asked before, and takes nothing new on that connection.
#[tokio::test]
async fn the_end_is_announced() {
    let world = World::new().await;
    let key = world.key().await;
    world.engine.create_answers.forget_permits(usize::MAX);
    let mut client = raw(&world).await;
    let authorization = format!("Bearer {}", key.bearer());
    let create = block(&request("POST", "/v2/jobs", &authorization));
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &create)).await;
    soon(world.engine.create_arrived.notified()).await;
    world.running().begin_shutdown();
    client.until(|frame| frame.kind == GOAWAY).await;
    world.engine.create_answers.add_permits(1);
    let answer = client.until(|frame| frame.kind == HEADERS).await;
    assert_eq!(answer.stream, 1);
    while client.next().await.is_some() {}
}

/// Every flood of frames that cost nothing to send ends the connection, in bounded memory, while others are served. A client
/// that is only busy is not taken for one.
#[tokio::test]
async fn floods_end_their_connection() {
    const FRAMES: usize = 20_000;
    let world = World::new().await;
    let key = world.key().await;
    let before = peak_kib();
    let authorization = format!("Bearer {}", key.bearer());
    let create = block(&request("POST", "/v2/jobs", &authorization));
    let stream = |number: usize| u32::try_from(number).unwrap() * 2 + 1;
    let open = |number| frame(HEADERS, END_HEADERS, stream(number), &create);
    type Flood<'a> = (&'a str, Box<dyn Fn(usize) -> Vec<u8> + 'a>);
    let floods: Vec<Flood<'_>> = vec![
        ("pings", Box::new(|_| frame(PING, 0, 0, &[0; 8]))),
        ("settings", Box::new(|_| frame(SETTINGS, 0, 0, &[]))),
        ("settings that change", Box::new(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff]))),
        ("priorities", Box::new(|_| frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]))),
        ("window updates", Box::new(|_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]))),
        ("unknown frames", Box::new(|_| frame(0x42, 0, 0, b"x"))),
        (
            "rapid resets",
            Box::new(|number| [open(number), frame(RST_STREAM, 0, stream(number), &[0, 0, 0, 8])].concat()),
        ),
        (
            "streams that we must reset",
            Box::new(|number| [open(number), frame(WINDOW_UPDATE, 0, stream(number), &[0; 4])].concat()),
        ),
        ("empty data", Box::new(|number| if number == 0 { open(0) } else { frame(DATA, 0, 1, &[]) })),
        (
            "continuations",
            Box::new(|number| match number {
                0 => frame(HEADERS, 0, 1, &create),
                _ => frame(CONTINUATION, 0, 1, &block(&[("x", "y")])),
            }),
        ),
        (
            "empty continuations",
            Box::new(|number| match number {
                0 => frame(HEADERS, 0, 1, &create),
                _ => frame(CONTINUATION, 0, 1, &[]),
            }),
        ),
    ];
    for (name, bytes) in floods {
        let flood = raw(&world).await.flood(FRAMES, bytes);
        let (ended, answer) = tokio::join!(flood, world.get("/v2/jobs", key.bearer()));
        assert!(ended.is_some(), "{name} went through");
        assert_eq!(answer.status, 200, "others are served during {name}");
    }
    let growth = peak_kib() - before;
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB");
    let mut busy = raw(&world).await;
    for number in 0..200 {
        busy.send(&frame(PING, 0, 0, &[7; 8])).await;
        busy.send(&get(stream(number), "/v2/jobs", key.bearer())).await;
        let answer = busy.until(|frame| frame.kind == HEADERS).await;
        assert_eq!(status(&answer.payload), 200);
    }
}

/// A connection without requests ends after a while, though it sends pings; one with a request under way doesn't.
#[tokio::test]
async fn idle_connections_end() {
    let limits = GatewayLimits { idle_seconds_max: 1, drain_seconds_max: 1, ..GatewayLimits::default() };
    let world = World::with(Setup { gateway_limits: limits, ..Setup::default() }).await;
    let key = world.key().await;
    world.engine.create_answers.forget_permits(usize::MAX);
    let mut busy = raw(&world).await;
    let authorization = format!("Bearer {}", key.bearer());
    let create = block(&request("POST", "/v2/jobs", &authorization));
    busy.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &create)).await;
    let mut idle = raw(&world).await;
    idle.send(&get(1, "/v2/jobs", key.bearer())).await;
    idle.until(|frame| frame.kind == HEADERS).await;
    let mut pings = 0;
    while idle.ping().await {
        pings += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(pings > 0, "it was there for a while");
    world.engine.create_answers.add_permits(1);
    let answer = busy.until(|frame| frame.kind == HEADERS).await;
    assert_eq!(answer.stream, 1, "whoever waits for an answer isn't idle");
}
