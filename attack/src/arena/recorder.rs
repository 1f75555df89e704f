//! The recording engine: an HTTP/1.1 server of our own that keeps what reached it, byte by byte, and judges its form.
//!
//! What it does with a request, the request itself says in `X-SM-Ear-Tag`, which the gateway passes on: cases need no state
//! in common, so that they can run side by side. `X-Request-Id` says which case a request belongs to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::websocket;
use crate::Fault;
use crate::wire::message::{Body, Head, body_length, read_body, read_head};

/// The header by which a case knows its own.
pub(crate) const CASE: &str = "x-request-id";
/// The header that says what the engine is to do.
pub(crate) const TAG: &str = "x-sm-ear-tag";

/// What every request of the gateway's holds.
const REQUEST_ID: &[u8] = b"voxgate-request-id";
/// How long an engine that has answered early goes on listening.
const LISTEN_ON_SECONDS: u64 = 2;

/// One request as it reached the engine.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    /// Which connection it came on.
    pub(crate) connection: u64,
    /// Its head, exactly.
    pub(crate) head: Head,
    /// Its body.
    pub(crate) body: Vec<u8>,
    /// Whether it came whole. What breaks off is no request: an engine throws it away.
    pub(crate) is_whole: bool,
    /// What is wrong with its form, if anything: no gateway may send such a request.
    pub(crate) fault: Option<String>,
    /// After a `101`: the opcodes and lengths of the frames that came, in order.
    pub(crate) frames: Vec<(u8, usize)>,
}

impl Reached {
    pub(super) fn new(connection: u64, head: Head, fault: Option<String>) -> Self {
        Self { connection, head, body: Vec::new(), is_whole: true, fault, frames: Vec::new() }
    }

    /// The value of a header that stands there once.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        let mut values = self.head.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The case that it says it belongs to.
    pub(crate) fn case(&self) -> &str {
        self.header(CASE).unwrap_or_default()
    }
}

/// Where connections go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Nobody: the recorder answers.
    Nobody,
    /// Another engine: the recorder passes every byte on, and listens in.
    Engine(SocketAddr),
}

/// The recording engine.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    reached: Mutex<Vec<Reached>>,
    connections: AtomicU64,
    jobs: AtomicU64,
    behind: watch::Sender<Behind>,
}

impl Recorder {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Result<Self, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("no port: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let shared = Arc::new(Shared {
            reached: Mutex::default(),
            connections: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            behind: watch::channel(Behind::Nobody).0,
        });
        let recorder = Self { address, shared: shared.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(shared.clone(), stream));
            }
        });
        Ok(recorder)
    }

    /// Everything that reached the engine so far.
    pub(crate) fn all(&self) -> Vec<Reached> {
        self.shared.lock().clone()
    }

    /// How much has reached the engine so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().len()
    }

    /// What reached the engine of one case.
    pub(crate) fn of(&self, case: &str) -> Vec<Reached> {
        self.shared.lock().iter().filter(|one| one.case() == case).cloned().collect()
    }

    /// Forgets what came.
    pub(crate) fn clear(&self) {
        self.shared.lock().clear();
    }

    /// Puts another engine behind, or takes it away. Connections that are open end.
    pub(crate) fn put_behind(&self, behind: Behind) {
        self.shared.behind.send_replace(behind);
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Reached>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request, and says where.
    pub(super) fn keep(&self, reached: Reached) -> usize {
        let mut all = self.lock();
        all.push(reached);
        all.len() - 1
    }

    /// Notes a frame of the session at this place.
    pub(super) fn note_frame(&self, place: usize, opcode: u8, length: usize) {
        if let Some(reached) = self.lock().get_mut(place) {
            reached.frames.push((opcode, length));
        }
    }

    fn next_job(&self) -> String {
        format!("job{:07}", self.jobs.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let connection = shared.connections.fetch_add(1, Ordering::Relaxed);
    let mut changes = shared.behind.subscribe();
    let behind = *changes.borrow_and_update();
    let work = async {
        match behind {
            Behind::Nobody => answer_all(&shared, stream, connection).await,
            Behind::Engine(engine) => super::relay::listen_in(&shared, stream, engine, connection).await,
        }
    };
    tokio::select! {
        () = work => {}
        _ = changes.changed() => {}
    }
}

async fn answer_all(shared: &Arc<Shared>, mut stream: TcpStream, connection: u64) {
    let mut buffer = Vec::new();
    loop {
        let head = match read_head(&mut stream, &mut buffer).await {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(fault) => {
                shared.keep(Reached::new(connection, Head::unreadable(&buffer), Some(fault)));
                return;
            }
        };
        let tag = head.first(TAG).unwrap_or_default().to_owned();
        if head.first("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            let fault = head.fault();
            let place = shared.keep(Reached::new(connection, head.clone(), fault));
            return websocket::serve(shared, stream, buffer, &head, &tag, place).await;
        }
        if let Some(status) = tag.strip_prefix("early-") {
            // The engine answers without reading the body, and says that it won't.
            let fault = head.fault();
            shared.keep(Reached::new(connection, head.clone(), fault));
            let body = r#"{"code":413,"error":"Malformed request","detail":"too large for me"}"#;
            let answer = format!(
                "HTTP/1.1 {status} Early\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            return listen_on(shared, stream, buffer, &head, connection).await;
        }
        let Ok(Body { bytes, fault }) = read_body(&mut stream, &mut buffer, &head).await else {
            let fault = head.fault();
            shared.keep(Reached { is_whole: false, ..Reached::new(connection, head, fault) });
            return;
        };
        let fault = fault.or_else(|| head.fault());
        let answer = answer_to(shared, &head, &tag);
        shared.keep(Reached { body: bytes, ..Reached::new(connection, head, fault) });
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// An engine that answered without reading the body keeps the connection and throws the rest of the body away. What comes before
/// the body's end is body: whoever sends a request there has it read as something else.
async fn listen_on(shared: &Shared, mut stream: TcpStream, mut rest: Vec<u8>, head: &Head, connection: u64) {
    let mut buffer = [0; 4 * 1024];
    while let Ok(Ok(count @ 1..)) =
        tokio::time::timeout(Duration::from_secs(LISTEN_ON_SECONDS), stream.read(&mut buffer)).await
    {
        rest.extend_from_slice(&buffer[..count]);
    }
    let body = body_length(&rest, head).unwrap_or(rest.len());
    if rest[..body].windows(REQUEST_ID.len()).any(|part| part.eq_ignore_ascii_case(REQUEST_ID)) {
        let fault = "a request within a body that was never whole".to_owned();
        shared.keep(Reached::new(connection, Head::unreadable(&rest), Some(fault)));
    }
}

/// What a careful engine answers.
fn answer_to(shared: &Shared, head: &Head, tag: &str) -> String {
    let path = head.target.split('?').next().unwrap_or_default();
    let (status, body) = match (head.method.as_str(), tag.strip_prefix("status-")) {
        (_, Some(status)) => (status.to_owned(), r#"{"detail":"as you wish"}"#.to_owned()),
        ("POST", None) if path == "/v2/jobs" => {
            ("201 Created".to_owned(), format!(r#"{{"id":"{}"}}"#, shared.next_job()))
        }
        ("GET", None) if path.starts_with("/v2/jobs/") && path.matches('/').count() == 3 => {
            let id = &path["/v2/jobs/".len()..];
            let job = format!(
                r#"{{"job":{{"id":"{id}","status":"running","created_at":"2026-01-01T00:00:00Z","data_name":"{id}","config":{{"type":"transcription"}}}}}}"#
            );
            ("200 OK".to_owned(), job)
        }
        _ => ("200 OK".to_owned(), serde_json::json!({"resource": head.target}).to_string()),
    };
    let body = if head.method == "HEAD" { String::new() } else { body };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
