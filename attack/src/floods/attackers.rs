//! The floods themselves. Each attacker does what it does as fast as it is let, and comes back when it is thrown out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::Fault;
use crate::arena::Arena;
use crate::wire::Request;
use crate::wire::frame;
use crate::wire::http2::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Http2, RST_STREAM, block, frame as h2_frame,
};
use crate::wire::session::{HANDSHAKE, MASK, Session};

/// Connections of the floods that are slow.
const SLOW_CONNECTIONS: usize = 1000;
/// Connections of the floods that are fast: a few of them use up what a client's machine has.
const FAST_CONNECTIONS: usize = 8;
/// How often a slow client sends its next byte.
const DRIP_MILLIS: u64 = 1000;
/// Frames that are sent at once, and how long one that sends them rests: 20,000 a second from each.
const BURST: u32 = 100;
const BURST_REST_MILLIS: u64 = 5;
/// How long one that was thrown out takes to come back.
const RETURN_MILLIS: u64 = 100;
/// Sign-ins before a flood: as many as are hashed at once, twice.
const ORDINARY_SIGN_INS: usize = 4;
/// Threads of the attackers, and how far they stand back for everybody else.
const THREADS: usize = 2;
const NICENESS: i32 = 19;

/// One kind of flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flood {
    /// Heads that come a byte at a time
    SlowHeaders,
    /// Bodies that come a byte at a time
    SlowBodies,
    /// Answers that nobody reads
    SlowReads,
    /// HTTP/2: streams that are reset as soon as they are opened
    RapidReset,
    /// HTTP/2: heads that never end
    Continuation,
    /// HTTP/2: frames of no bytes
    EmptyData,
    /// WebSocket pings
    Pings,
    /// Sign-ins, each of which costs a hash
    SignIns,
    /// Temporary keys
    Minting,
}

impl Flood {
    pub(super) const ALL: &'static [Self] = &[
        Self::SlowHeaders,
        Self::SlowBodies,
        Self::SlowReads,
        Self::RapidReset,
        Self::Continuation,
        Self::EmptyData,
        Self::Pings,
        Self::SignIns,
        Self::Minting,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SlowHeaders => "slow headers",
            Self::SlowBodies => "slow bodies",
            Self::SlowReads => "slow reads",
            Self::RapidReset => "HTTP/2 rapid reset",
            Self::Continuation => "HTTP/2 CONTINUATION",
            Self::EmptyData => "HTTP/2 empty DATA",
            Self::Pings => "WebSocket pings",
            Self::SignIns => "argon2 sign-ins",
            Self::Minting => "minting",
        }
    }

    /// Lets it loose.
    pub(super) async fn start(self, arena: &Arena) -> Result<Attackers, Fault> {
        let auth = format!("host: localhost\r\nauthorization: Bearer {}\r\n", arena.mine.key);
        let attackers = Attackers::new(arena.home())?;
        match self {
            Self::SlowHeaders => {
                let head = format!("GET /v2/jobs HTTP/1.1\r\n{auth}x: {}", "y".repeat(2000)).into_bytes();
                attackers.send(SLOW_CONNECTIONS, |attacker| attacker.drip(head.clone(), 60));
            }
            Self::SlowBodies => {
                let head = format!(
                    "POST /v2/jobs HTTP/1.1\r\n{auth}content-length: 100000\r\n\r\n{}",
                    "b".repeat(2000)
                );
                let at = head.len() - 2000;
                let head = head.into_bytes();
                attackers.send(SLOW_CONNECTIONS, |attacker| attacker.drip(head.clone(), at));
            }
            Self::SlowReads => {
                let request = format!("GET /openapi.json HTTP/1.1\r\n{auth}\r\n").repeat(50).into_bytes();
                attackers.send(SLOW_CONNECTIONS, |attacker| attacker.hold(request.clone()));
            }
            Self::RapidReset | Self::Continuation | Self::EmptyData => {
                let authorization = format!("Bearer {}", arena.mine.key);
                attackers.send(FAST_CONNECTIONS, |attacker| attacker.http2(self, authorization.clone()));
            }
            Self::Pings => {
                let lines = format!("authorization: Bearer {}\r\n{HANDSHAKE}", arena.mine.key);
                attackers.send(FAST_CONNECTIONS, |attacker| attacker.pings(lines.clone()));
            }
            Self::SignIns => {
                for number in 0..FAST_CONNECTIONS * 4 {
                    let request = sign_in(arena, number).await?;
                    attackers.send(1, |attacker| attacker.again(request.clone()));
                }
            }
            Self::Minting => {
                let request = mint(arena).bytes();
                attackers.send(FAST_CONNECTIONS * 4, |attacker| attacker.again(request.clone()));
            }
        }
        Ok(attackers)
    }
}

/// Those who flood, on threads that stand back for the instance and its good clients: attackers sit on machines of their own,
/// and must not win here by taking the instance's processors. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Attackers {
    address: SocketAddr,
    writes: Arc<AtomicU64>,
    runtime: Option<Runtime>,
}

impl Attackers {
    fn new(address: SocketAddr) -> Result<Self, Fault> {
        let stand_back = || {
            let _ = rustix::process::setpriority_process(None, NICENESS);
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .on_thread_start(stand_back)
            .enable_all()
            .build()
            .map_err(|error| format!("no threads for the attackers: {error}"))?;
        Ok(Self { address, writes: Arc::default(), runtime: Some(runtime) })
    }

    fn send<F: Future<Output = ()> + Send + 'static>(&self, count: usize, deed: impl Fn(Attacker) -> F) {
        let Some(runtime) = &self.runtime else { return };
        for _ in 0..count {
            runtime.spawn(deed(Attacker { address: self.address, writes: Arc::clone(&self.writes) }));
        }
    }

    /// How often they have sent something so far: a byte, a request, or a burst of frames.
    pub(super) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One of them.
#[derive(Debug)]
struct Attacker {
    address: SocketAddr,
    writes: Arc<AtomicU64>,
}

impl Attacker {
    fn has_written(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// One connection of HTTP/2 after the other, each as bad as it is let be.
    async fn http2(self, flood: Flood, authorization: String) {
        let fields: [(&[u8], &[u8]); 5] = [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":authority", b"localhost"),
            (b":path", b"/v2/jobs"),
            (b"authorization", authorization.as_bytes()),
        ];
        let head = block(&fields);
        loop {
            let Ok(mut client) = Http2::connect(self.address).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let mut stream = 1;
            let mut is_first = true;
            loop {
                let mut burst = Vec::new();
                for _ in 0..BURST {
                    match flood {
                        Flood::RapidReset => {
                            burst.extend(h2_frame(HEADERS, END_HEADERS | END_STREAM, stream, &head));
                            burst.extend(h2_frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
                            stream += 2;
                        }
                        Flood::Continuation => {
                            let kind = if is_first { HEADERS } else { CONTINUATION };
                            burst.extend(h2_frame(kind, 0, 1, if is_first { &head } else { &[] }));
                            is_first = false;
                        }
                        _ => {
                            if is_first {
                                burst.extend(h2_frame(HEADERS, END_HEADERS, 1, &head));
                                is_first = false;
                            }
                            burst.extend(h2_frame(DATA, 0, 1, &[]));
                        }
                    }
                }
                if !client.send(&burst).await || stream > 1 << 30 {
                    break;
                }
                self.has_written();
                tokio::time::sleep(Duration::from_millis(BURST_REST_MILLIS)).await;
            }
            tokio::time::sleep(Duration::from_millis(RETURN_MILLIS)).await;
        }
    }

    /// Sends the beginning, then a byte at a time.
    async fn drip(self, bytes: Vec<u8>, at_once: usize) {
        loop {
            let Ok(mut stream) = TcpStream::connect(self.address).await else {
                tokio::time::sleep(Duration::from_millis(DRIP_MILLIS)).await;
                continue;
            };
            if stream.write_all(&bytes[..at_once]).await.is_err() {
                continue;
            }
            for byte in &bytes[at_once..] {
                tokio::time::sleep(Duration::from_millis(DRIP_MILLIS)).await;
                if stream.write_all(&[*byte]).await.is_err() {
                    break;
                }
                self.has_written();
            }
        }
    }

    /// Asks for much and reads nothing.
    async fn hold(self, request: Vec<u8>) {
        loop {
            let Ok(mut stream) = TcpStream::connect(self.address).await else {
                tokio::time::sleep(Duration::from_millis(DRIP_MILLIS)).await;
                continue;
            };
            let _ = stream.write_all(&request).await;
            self.has_written();
            loop {
                tokio::time::sleep(Duration::from_millis(DRIP_MILLIS)).await;
                let mut one = [0; 1];
                match stream.read(&mut one).await {
                    Ok(1..) => {}
                    Ok(_) | Err(_) => break,
                }
            }
        }
    }

    /// The same request over and over, on one connection as long as it lasts.
    async fn again(self, request: Vec<u8>) {
        loop {
            let Ok(mut stream) = TcpStream::connect(self.address).await else { continue };
            let mut buffer = [0; 4096];
            while stream.write_all(&request).await.is_ok() {
                self.has_written();
                if !matches!(stream.read(&mut buffer).await, Ok(1..)) {
                    break;
                }
            }
        }
    }

    async fn pings(self, lines: String) {
        let burst = frame::build(frame::PING, b"are you there?", MASK).repeat(BURST as usize);
        loop {
            let Ok(mut session) = Session::open(self.address, "/v2", &lines).await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            session.start().await;
            while session.send(&burst).await {
                self.has_written();
                tokio::time::sleep(Duration::from_millis(BURST_REST_MILLIS)).await;
            }
            tokio::time::sleep(Duration::from_millis(RETURN_MILLIS)).await;
        }
    }
}

/// Uses each door once, as anybody may: what an instance holds from then on is its own, and no flood's.
pub(super) async fn use_doors(arena: &Arena) -> Result<(), Fault> {
    let minted = mint(arena).send(arena.home()).await;
    if minted.status != 201 {
        return Err(format!("an ordinary call to mint is answered with {}", minted.status));
    }
    for number in 0..ORDINARY_SIGN_INS {
        let request = sign_in(arena, FAST_CONNECTIONS * 4 + number).await?;
        let mut stream =
            TcpStream::connect(arena.home()).await.map_err(|error| format!("no connection: {error}"))?;
        stream.write_all(&request).await.map_err(|error| format!("an ordinary sign-in: {error}"))?;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.map_err(|error| format!("an ordinary sign-in: {error}"))?;
        if first != *b"HTTP/1.1 422" {
            return Err(format!("an ordinary sign-in is answered with {}", String::from_utf8_lossy(&first)));
        }
    }
    Ok(())
}

fn mint(arena: &Arena) -> Request {
    Request::new("POST", "/v1/api_keys?type=rt").bearer(&arena.mine.key).json(&json!({"ttl": 60}))
}

/// A sign-in with a wrong password, as the portal's own form sends it. Each number is another account: what is slowed for one
/// account must not be all that protects.
async fn sign_in(arena: &Arena, number: usize) -> Result<Vec<u8>, Fault> {
    let page = Request::new("GET", "/sign-in").send(arena.home()).await;
    if page.status != 200 {
        return Err(format!("the portal has no page to sign in: {}", page.status));
    }
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let token = text
        .split("name=\"form_token\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .ok_or("the page to sign in has no form token")?;
    let cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let body =
        format!("form_token={token}&email=nobody{number}%40example.org&password=wrong-and-long-enough");
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Ok(head.into_bytes())
}
