//! The wire: bytes out, answers in. Nothing here corrects what a case wants to send.

pub(crate) mod frame;
pub(crate) mod http2;
pub(crate) mod message;
pub(crate) mod session;

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take before there is none.
const ANSWER_SECONDS_MAX: u64 = 20;
/// How long to listen for more once something has come and the connection stays open.
const MORE_MILLIS: u64 = 150;
/// How long to listen where an answer may never come: the request is not whole.
const NOTHING_MILLIS: u64 = 400;
const HEADERS_COUNT_MAX: usize = 64;

/// One answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first value of a header; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// What every answer of Voxgate's carries (an id, and what it forbids browsers and caches), as far as this one doesn't.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        if !self.header("request-id").starts_with("req_") {
            return Some("no Request-Id");
        }
        let policy = self.header("content-security-policy");
        let forbids = |rule: &str| policy.split(';').any(|other| other.trim() == rule);
        if self.header("x-content-type-options") != "nosniff" {
            return Some("no X-Content-Type-Options");
        }
        if self.header("cache-control") != "no-store" {
            return Some("no Cache-Control: no-store");
        }
        let closed = ["default-src 'none'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"];
        closed.iter().any(|rule| !forbids(rule)).then_some("no Content-Security-Policy, or an open one")
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The stable code of a refusal; empty where there is none.
    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// What a person wants to read of it.
    pub(crate) fn shown(&self) -> String {
        format!("{} {:.300}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// What came back on a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    /// The answers, in order.
    pub(crate) answers: Vec<Answer>,
    /// What came and is no whole answer.
    pub(crate) rest: Vec<u8>,
    /// Whether the other end ended the connection.
    pub(crate) closed: bool,
}

impl Heard {
    /// The statuses, in order.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.answers.iter().map(|answer| answer.status).collect()
    }
}

/// How long to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Until this many answers have come, or the other end ends the connection.
    For(usize),
    /// Until nothing more comes: the request may not be whole, or more may have been answered than was asked.
    ToTheEnd,
}

/// Sends bytes on a connection of their own and listens.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8], listen: Listen) -> Heard {
    exchange_pieces(address, &[bytes], Duration::ZERO, listen).await
}

/// The same, in pieces with a pause between them.
pub(crate) async fn exchange_pieces(
    address: SocketAddr,
    pieces: &[&[u8]],
    pause: Duration,
    listen: Listen,
) -> Heard {
    let mut heard = Heard::default();
    let Ok(mut stream) = TcpStream::connect(address).await else { return heard };
    let _ = stream.set_nodelay(true);
    let mut raw = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        // The other end may refuse and end before everything is sent; what it said is still to be read.
        if stream.write_all(piece).await.is_err() {
            break;
        }
    }
    let mut buffer = [0; 4 * 1024];
    loop {
        heard.answers = parse(&raw, heard.closed, &mut heard.rest);
        if heard.closed || matches!(listen, Listen::For(count) if heard.answers.len() >= count) {
            return heard;
        }
        let patience = match listen {
            Listen::For(_) => Duration::from_secs(ANSWER_SECONDS_MAX),
            Listen::ToTheEnd if raw.is_empty() => Duration::from_millis(NOTHING_MILLIS),
            Listen::ToTheEnd => Duration::from_millis(MORE_MILLIS),
        };
        match tokio::time::timeout(patience, stream.read(&mut buffer)).await {
            Ok(Ok(count @ 1..)) => raw.extend_from_slice(&buffer[..count]),
            Ok(Ok(_) | Err(_)) => heard.closed = true,
            Err(_) => return heard,
        }
    }
}

/// One request, one answer.
pub(crate) async fn ask(address: SocketAddr, bytes: &[u8]) -> Answer {
    exchange(address, bytes, Listen::For(1)).await.answers.into_iter().next().unwrap_or_default()
}

/// The answers in these bytes; what is left over goes into `rest`.
fn parse(raw: &[u8], closed: bool, rest: &mut Vec<u8>) -> Vec<Answer> {
    let mut answers = Vec::new();
    let mut at = 0;
    while let Some((answer, length)) = parse_one(&raw[at..], closed) {
        at += length;
        let switched = answer.status == 101;
        // 100 Continue is no answer.
        if answer.status != 100 {
            answers.push(answer);
        }
        if switched {
            break;
        }
    }
    *rest = raw[at..].to_vec();
    answers
}

fn parse_one(raw: &[u8], closed: bool) -> Option<(Answer, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(head)) = response.parse(raw) else { return None };
    let fields = response
        .headers
        .iter()
        .map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()))
        .collect();
    let mut answer = Answer { status: response.code.unwrap_or_default(), fields, body: Vec::new() };
    if matches!(answer.status, 100..=199 | 204 | 304) {
        return Some((answer, head));
    }
    let rest = &raw[head..];
    if answer.header("transfer-encoding") == "chunked" {
        let (body, length) = chunked(rest)?;
        answer.body = body;
        return Some((answer, head + length));
    }
    match answer.header("content-length").parse::<usize>() {
        Ok(length) => {
            answer.body = rest.get(..length)?.to_vec();
            Some((answer, head + length))
        }
        Err(_) if closed => {
            answer.body = rest.to_vec();
            Some((answer, raw.len()))
        }
        Err(_) => None,
    }
}

fn chunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let end = bytes[at..].windows(2).position(|pair| pair == b"\r\n")? + at;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[at..end]).ok()?, 16).ok()?;
        at = end + 2;
        if length == 0 {
            return Some((body, at + 2));
        }
        body.extend_from_slice(bytes.get(at..at + length)?);
        at += length + 2;
    }
}

/// A request in the making: plain lines, written as they are.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    line: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request of this method for this target.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            line: format!("{method} {target} HTTP/1.1"),
            fields: vec![("host".to_owned(), "localhost".to_owned())],
            body: Vec::new(),
        }
    }

    /// With a header.
    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// With a credential; none where it is empty.
    #[must_use]
    pub(crate) fn bearer(self, credential: &str) -> Self {
        if credential.is_empty() { self } else { self.with("authorization", format!("Bearer {credential}")) }
    }

    /// With a JSON body.
    #[must_use]
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        let length = self.body.len().to_string();
        self.with("content-type", "application/json").with("content-length", length)
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.line).into_bytes();
        for (name, value) in &self.fields {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it, and gives the answer; status 0 where none came.
    pub(crate) async fn send(&self, address: SocketAddr) -> Answer {
        ask(address, &self.bytes()).await
    }
}
