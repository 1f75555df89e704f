//! An engine that speaks the Jobs API, records what it is asked, and misbehaves when told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

/// What this engine says of its answers and isn't its to say.
pub const PRESUMED: [(&str, &str); 5] = [
    ("cache-control", "public, max-age=86400"),
    ("content-disposition", "inline; filename=\"theirs.html\""),
    ("content-security-policy", "default-src *"),
    ("x-content-type-options", "sniff"),
    ("expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
];

pub type EngineBody = UnsyncBoxBody<Bytes, Infallible>;

/// One request as the engine got it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub body_bytes: u64,
    pub trailers: bool,
}

#[derive(Default)]
struct State {
    jobs: BTreeMap<String, Value>,
    recorded: Vec<Recorded>,
    answers: VecDeque<(u16, String)>,
    stalls: usize,
    silent_about: BTreeSet<String>,
    next: u64,
    can_delete: bool,
}

/// The engine. Clones are the same one.
#[derive(Clone)]
pub struct Engine {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// How many creates may be answered.
    pub create_answers: Arc<Semaphore>,
    /// Told when a create is there and waits to be answered.
    pub create_arrived: Arc<Notify>,
    /// How many connections it has.
    pub connections: watch::Sender<usize>,
    server: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Engine {
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let engine = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State { can_delete: true, ..State::default() })),
            create_answers: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            create_arrived: Arc::default(),
            connections: watch::Sender::default(),
            server: Arc::default(),
        };
        let server = tokio::spawn(engine.clone().run(listener));
        *engine.server.lock().unwrap() = Some(server);
        engine
    }

    async fn run(self, listener: TcpListener) {
        // Dropped with this task: then every connection ends.
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let engine = self.clone();
            connections.spawn(async move {
                engine.connections.send_modify(|open| *open += 1);
                let service = service_fn(|request| {
                    let engine = engine.clone();
                    async move { Ok::<_, Infallible>(engine.answer(request).await) }
                });
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                engine.connections.send_modify(|open| *open -= 1);
            });
        }
    }

    /// Takes the engine down: its connections end and its port is closed.
    pub async fn stop(&self) {
        let server = self.server.lock().unwrap().take().expect("it runs");
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    pub fn recorded(&self) -> Vec<Recorded> {
        self.state.lock().unwrap().recorded.clone()
    }

    pub fn last(&self) -> Recorded {
        self.recorded().pop().expect("the engine was asked")
    }

    pub fn jobs(&self) -> Vec<String> {
        self.state.lock().unwrap().jobs.keys().cloned().collect()
    }

    /// Answers the next request like this, whatever it is.
    pub fn answer_next(&self, status: u16, body: &str) {
        self.state.lock().unwrap().answers.push_back((status, body.to_owned()));
    }

    /// Begins the answers to so many requests, and never goes on with them.
    pub fn stall_next(&self, count: usize) {
        self.state.lock().unwrap().stalls = count;
    }

    /// How many of those have not come yet.
    pub fn stalls_left(&self) -> usize {
        self.state.lock().unwrap().stalls
    }

    /// Takes requests about a job, and never answers them.
    pub fn say_nothing_about(&self, id: &str) {
        self.state.lock().unwrap().silent_about.insert(format!("/v2/jobs/{id}"));
    }

    pub fn edit(&self, id: &str, edit: impl FnOnce(&mut Value)) {
        edit(self.state.lock().unwrap().jobs.get_mut(id).expect("the engine has the job"));
    }

    pub fn finish(&self, id: &str, duration: u64) {
        self.edit(id, |job| {
            job["status"] = "done".into();
            job["duration"] = duration.into();
        });
    }

    pub fn put(&self, id: &str, job: Value) {
        self.state.lock().unwrap().jobs.insert(id.to_owned(), job);
    }

    pub fn forget(&self, id: &str) {
        self.state.lock().unwrap().jobs.remove(id);
    }

    pub fn cannot_delete(&self) {
        self.state.lock().unwrap().can_delete = false;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<EngineBody> {
        let (parts, mut incoming) = request.into_parts();
        let mut body = Vec::new();
        let (mut body_bytes, mut trailers) = (0, false);
        while let Some(frame) = incoming.frame().await {
            let Ok(frame) = frame else { break };
            trailers |= frame.is_trailers();
            let Ok(data) = frame.into_data() else { continue };
            body_bytes += data.len() as u64;
            const KEPT_BYTES: usize = 1 << 16;
            if body.len() < KEPT_BYTES {
                body.extend_from_slice(&data);
            }
        }
        let (method, target) = (parts.method.to_string(), parts.uri.to_string());
        let recorded = Recorded {
            method: method.clone(),
            target: target.clone(),
            headers: parts.headers,
            body,
            body_bytes,
            trailers,
        };
        let is_silent = self.state.lock().unwrap().silent_about.contains(&target);
        let scripted = {
            let mut state = self.state.lock().unwrap();
            state.recorded.push(recorded);
            if let Some(left) = state.stalls.checked_sub(1) {
                state.stalls = left;
                return stalled();
            }
            state.answers.pop_front()
        };
        if is_silent {
            return std::future::pending().await;
        }
        if let Some((status, body)) = scripted {
            return text(status, "application/json", body);
        }
        let mut answer = match (method.as_str(), target.as_str()) {
            ("POST", "/v2/jobs") => self.create().await,
            _ => self.route(&method, &target),
        };
        for (name, value) in PRESUMED {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        answer
    }

    async fn create(&self) -> Response<EngineBody> {
        let id = {
            let mut state = self.state.lock().unwrap();
            state.next += 1;
            let id = format!("job{}", state.next);
            let job = json!({
                "created_at": "2026-03-10T12:00:00.000000Z", "data_name": "a.wav", "id": id, "status": "running",
                "config": {"type": "transcription", "transcription_config": {"language": "en", "operating_point": "enhanced"}},
            });
            state.jobs.insert(id.clone(), job);
            id
        };
        self.create_arrived.notify_one();
        self.create_answers.acquire().await.unwrap().forget();
        text(201, "application/json", json!({ "id": id }).to_string())
    }

    fn route(&self, method: &str, target: &str) -> Response<EngineBody> {
        let path = target.split('?').next().unwrap();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut state = self.state.lock().unwrap();
        match (method, segments.as_slice()) {
            ("GET", ["v2", "jobs"]) => {
                json_answer(200, &json!({"jobs": state.jobs.values().collect::<Vec<_>>()}))
            }
            ("GET", ["v1", "discovery", "features"]) => json_answer(200, &json!({"metadata": {}})),
            ("POST", ["generate", voice]) => text(200, "audio/wav", format!("voice {voice}")),
            ("GET", ["v2", "jobs", id]) => match state.jobs.get(*id) {
                Some(job) => json_answer(200, &json!({ "job": job })),
                None => not_found(),
            },
            ("DELETE", ["v2", "jobs", _]) if !state.can_delete => json_answer(405, &json!({})),
            ("DELETE", ["v2", "jobs", id]) => match state.jobs.remove(*id) {
                Some(job) => json_answer(200, &json!({ "job": job })),
                None => not_found(),
            },
            ("GET", ["v2", "jobs", id, _]) if !state.jobs.contains_key(*id) => not_found(),
            ("GET", ["v2", "jobs", id, "transcript"]) => {
                if state.jobs[*id]["status"] != "done" {
                    return json_answer(404, &json!({"code": 404, "error": "Transcription not ready"}));
                }
                match target.split("format=").nth(1).map(|rest| rest.split('&').next().unwrap()) {
                    None | Some("json-v2") => {
                        let body = json!({"format": "2.9", "job": {"id": id}, "results": []}).to_string();
                        text(200, "application/vnd.speechmatics.v2+json", body)
                    }
                    Some(format) => text(200, "text/plain; charset=utf-8", format!("{format} of {id}")),
                }
            }
            ("GET", ["v2", "jobs", id, "log"]) => text(200, "text/plain", format!("log of {id}")),
            ("GET", ["v2", "jobs", _, "data"]) => flood(),
            _ => json_answer(404, &json!({"code": 404, "error": "nothing here", "detail": "internal path"})),
        }
    }
}

/// What `…/data` holds, in bytes: more than fits into all buffers on the way.
pub const FLOOD_BYTES: u64 = 64 << 20;

fn flood() -> Response<EngineBody> {
    const CHUNK_BYTES: usize = 1 << 16;
    let chunk = Bytes::from(vec![b'x'; CHUNK_BYTES]);
    let chunks = FLOOD_BYTES / CHUNK_BYTES as u64;
    let frames = futures_util::stream::iter(0..chunks).map(move |_| Ok(Frame::data(chunk.clone())));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert("content-type", "audio/wav".parse().unwrap());
    response.headers_mut().insert("server", "secret-engine/1.0".parse().unwrap());
    response.headers_mut().insert("set-cookie", "a=b".parse().unwrap());
    response
}

/// The beginning of an answer.
fn stalled() -> Response<EngineBody> {
    let begin = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"{")))]);
    let frames = begin.chain(futures_util::stream::pending());
    Response::builder().header("content-length", "100").body(StreamBody::new(frames).boxed_unsync()).unwrap()
}

fn not_found() -> Response<EngineBody> {
    json_answer(404, &json!({"code": 404, "error": "Job not found"}))
}

fn json_answer(status: u16, body: &Value) -> Response<EngineBody> {
    text(status, "application/json", body.to_string())
}

fn text(status: u16, kind: &str, body: String) -> Response<EngineBody> {
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Full::from(body).boxed_unsync())
        .unwrap()
}
