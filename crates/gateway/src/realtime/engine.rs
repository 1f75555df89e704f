//! Opening a WebSocket to an engine (RFC 6455, section 4.1). Nothing but our own request is sent before the engine
//! has answered with a real `101`.

use std::fmt::Write as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use domain::{Reason, Refusal, Rng};
use http::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{SessionTimes, handshake};
use crate::Upstream;
use crate::metrics::EngineFault;
use crate::stream::Stream;
use crate::upstream::dial;

/// The head of an engine's answer, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The header fields of an engine's answer.
const HEADERS_COUNT_MAX: usize = 64;

/// An open WebSocket to an engine.
#[derive(Debug)]
pub(crate) struct EngineSocket {
    pub(crate) stream: Stream,
    /// What the engine has sent behind its answer.
    pub(crate) early: Bytes,
}

/// Why an engine didn't open one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineFailure {
    /// It can't be reached.
    #[error("the engine can't be reached")]
    Connect(#[source] io::Error),
    /// It takes too long.
    #[error("the engine doesn't answer in time")]
    Timeout,
    /// The connection broke off.
    #[error("the connection to the engine broke off before it answered")]
    Broken(#[source] io::Error),
    /// It answered otherwise.
    #[error("the engine answered the WebSocket upgrade with HTTP status {0}")]
    Status(u16),
    /// It answered with a `101` that isn't one.
    #[error("the engine's answer to the WebSocket upgrade is invalid: {0}")]
    Invalid(&'static str),
}

impl EngineFailure {
    /// What kind of failure it counts as.
    pub(crate) const fn fault(&self) -> EngineFault {
        match self {
            Self::Connect(_) => EngineFault::Connect,
            Self::Timeout => EngineFault::Timeout,
            Self::Broken(_) => EngineFault::Interrupted,
            Self::Status(_) | Self::Invalid(_) => EngineFault::Invalid,
        }
    }

    /// What a client is told.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::new(Reason::EngineDown, format!("No session can be opened: {self}. Try again soon."))
            .retry_after(5)
    }
}

/// Opens a WebSocket to an engine at `target` with these headers.
///
/// # Errors
/// When there is no engine, or none that opens one.
pub(crate) async fn open(
    upstream: &Upstream,
    target: &str,
    headers: &HeaderMap,
    times: &SessionTimes,
    rng: &dyn Rng,
) -> Result<EngineSocket, EngineFailure> {
    let connecting = Box::pin(dial(upstream));
    let stream = timeout(times.engine_connect_max, connecting).await.map_err(|_| EngineFailure::Timeout)?;
    let mut stream = stream.map_err(EngineFailure::Connect)?;
    let key = BASE64.encode(rng.next_u128().to_be_bytes());
    let request = request_head(upstream, target, headers, &key);
    let upgrading = upgrade(&mut stream, &request, &key);
    let early = timeout(times.engine_upgrade_max, upgrading).await.map_err(|_| EngineFailure::Timeout)??;
    Ok(EngineSocket { stream, early })
}

fn request_head(upstream: &Upstream, target: &str, headers: &HeaderMap, key: &str) -> Vec<u8> {
    let mut head = String::with_capacity(1024);
    // Writing to a string can't fail.
    let _ = write!(
        head,
        "GET {base}{target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n",
        base = upstream.base_path(),
        host = upstream.authority(),
    );
    let mut head = head.into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Sends the request and reads the answer; returns what came behind it.
async fn upgrade(stream: &mut Stream, request: &[u8], key: &str) -> Result<Bytes, EngineFailure> {
    stream.write_all(request).await.map_err(EngineFailure::Broken)?;
    stream.flush().await.map_err(EngineFailure::Broken)?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        let count = stream.read_buf(&mut answer).await.map_err(EngineFailure::Broken)?;
        if count == 0 {
            return Err(EngineFailure::Broken(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Some(head_bytes) = check(&answer, key)? {
            return Ok(Bytes::copy_from_slice(&answer[head_bytes..]));
        }
        if answer.len() > HEAD_BYTES_MAX {
            return Err(EngineFailure::Invalid("its head is too long"));
        }
    }
}

/// Checks an answer as far as it came: how long its head is, once it is whole.
fn check(answer: &[u8], key: &str) -> Result<Option<usize>, EngineFailure> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let head_bytes = match response.parse(answer) {
        Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(EngineFailure::Invalid("it is no HTTP")),
    };
    let status = response.code.unwrap_or_default();
    if status != 101 {
        return Err(EngineFailure::Status(status));
    }
    if response.version != Some(1) {
        return Err(EngineFailure::Invalid("it is not HTTP/1.1"));
    }
    if !has_token(response.headers, "upgrade", "websocket")
        || !has_token(response.headers, "connection", "upgrade")
    {
        return Err(EngineFailure::Invalid("it doesn't upgrade to a WebSocket"));
    }
    let accept = handshake::accept(key);
    let mut accepts = values(response.headers, "sec-websocket-accept");
    if accepts.next() != Some(accept.as_bytes()) || accepts.next().is_some() {
        return Err(EngineFailure::Invalid("Sec-WebSocket-Accept doesn't fit the key"));
    }
    if values(response.headers, "sec-websocket-extensions").next().is_some() {
        return Err(EngineFailure::Invalid("it takes up an extension that was not offered"));
    }
    if values(response.headers, "sec-websocket-protocol").next().is_some() {
        return Err(EngineFailure::Invalid("it chooses a subprotocol that was not offered"));
    }
    Ok(Some(head_bytes))
}

fn values<'a>(headers: &'a [httparse::Header<'a>], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

fn has_token(headers: &[httparse::Header<'_>], name: &str, token: &str) -> bool {
    values(headers, name)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    /// Only a whole and real `101` opens a tunnel, and what comes behind it is not lost.
    #[test]
    fn only_a_real_101_opens() {
        let with_frame = format!("{GOOD}\u{1}\u{0}");
        assert_eq!(check(with_frame.as_bytes(), KEY).unwrap(), Some(GOOD.len()));
        for cut in 0..GOOD.len() {
            assert_eq!(check(&GOOD.as_bytes()[..cut], KEY).unwrap(), None, "{cut}");
        }
        for (from, to) in [
            ("101", "200"),
            ("101", "403"),
            ("101", "100"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("HTTP/1.1", "RTSP/1.1"),
            ("Upgrade: websocket", "Upgrade: h2c"),
            ("keep-alive, Upgrade", "keep-alive"),
            ("s3pP", "S3pP"),
            ("Connection:", "Sec-WebSocket-Extensions: permessage-deflate\r\nConnection:"),
            ("Connection:", "Sec-WebSocket-Protocol: x\r\nConnection:"),
            ("Connection:", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nConnection:"),
        ] {
            assert!(check(GOOD.replace(from, to).as_bytes(), KEY).is_err(), "{from} -> {to}");
        }
    }

    /// The request is ours alone: its base path, its host, and exactly the headers that were decided.
    #[test]
    fn the_request_is_written_out() {
        let upstream = Upstream::parse("ws://127.0.0.1:9000/engine/v2").unwrap();
        let headers = HeaderMap::from_iter([("voxgate-region".parse().unwrap(), "eu1".parse().unwrap())]);
        let head = String::from_utf8(request_head(&upstream, "/v2/en?sm-sdk=x", &headers, KEY)).unwrap();
        assert!(head.starts_with("GET /engine/v2/en?sm-sdk=x HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n"));
        assert!(head.ends_with("\r\nvoxgate-region: eu1\r\n\r\n"));
    }
}
