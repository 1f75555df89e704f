//! A realtime WebSocket.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{Caller, within};

/// An open realtime WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    headers: Vec<(String, String)>,
}

/// The upgrade was refused by HTTP.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// The headers.
    pub headers: Vec<(String, String)>,
}

/// What came over the socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A text frame, which always is JSON.
    Json(Value),
    /// A binary frame.
    Bytes(Vec<u8>),
    /// A close frame.
    Closed {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The end without a close frame.
    Broken,
}

fn pairs(headers: &tokio_tungstenite::tungstenite::http::HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

impl Socket {
    /// Opens one.
    ///
    /// # Errors
    /// When the upgrade is refused by HTTP.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open(url: &str, caller: &Caller) -> Result<Self, Refused> {
        Self::open_with(url, caller, &[]).await
    }

    /// Opens one with more headers.
    ///
    /// # Errors
    /// When the upgrade is refused by HTTP.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub async fn open_with(
        url: &str,
        caller: &Caller,
        more: &[(&'static str, &str)],
    ) -> Result<Self, Refused> {
        let mut request = url.into_client_request().expect("tests use real URLs");
        for value in caller.header_values() {
            request
                .headers_mut()
                .append("authorization", HeaderValue::from_str(&value).expect("a header value"));
        }
        for (name, value) in more {
            request.headers_mut().append(*name, HeaderValue::from_str(value).expect("a header value"));
        }
        match within("the upgrade", connect_async(request)).await {
            Ok((stream, response)) => Ok(Self { stream, headers: pairs(response.headers()) }),
            Err(Error::Http(response)) => Err(Refused {
                status: response.status().as_u16(),
                body: response
                    .body()
                    .as_deref()
                    .and_then(|bytes| serde_json::from_slice(bytes).ok())
                    .unwrap_or(Value::Null),
                headers: pairs(response.headers()),
            }),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// A header of the upgrade's answer; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Sends JSON in a text frame.
    ///
    /// # Panics
    /// When the other end is gone.
    pub async fn send(&mut self, value: &Value) {
        within("sending", self.stream.send(Message::text(value.to_string())))
            .await
            .expect("the other end reads");
    }

    /// Sends JSON, whether or not the other end is still there.
    pub async fn try_send(&mut self, value: &Value) -> bool {
        within("sending", self.stream.send(Message::text(value.to_string()))).await.is_ok()
    }

    /// Sends audio.
    ///
    /// # Panics
    /// When the other end is gone.
    pub async fn send_audio(&mut self, bytes: Vec<u8>) {
        within("sending", self.stream.send(Message::binary(bytes))).await.expect("the other end reads");
    }

    /// Sends audio, whether or not the other end is still there.
    pub async fn try_send_audio(&mut self, bytes: Vec<u8>) -> bool {
        within("sending", self.stream.send(Message::binary(bytes))).await.is_ok()
    }

    /// Sends the first message of every client.
    pub async fn start(&mut self) {
        self.send(&start_recognition()).await;
    }

    /// The next thing that comes, without pings and pongs.
    pub async fn next(&mut self) -> Event {
        loop {
            return match within("a frame", self.stream.next()).await {
                Some(Ok(Message::Text(text))) => {
                    Event::Json(serde_json::from_str(text.as_str()).expect("a text frame is JSON"))
                }
                Some(Ok(Message::Binary(bytes))) => Event::Bytes(bytes.to_vec()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Event::Closed { code: frame.code.into(), reason: frame.reason.as_str().to_owned() }
                }
                Some(Ok(Message::Close(None))) => Event::Closed { code: 1005, reason: String::new() },
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(_)) | None => Event::Broken,
            };
        }
    }

    /// The next JSON message of this kind; others before it are skipped.
    ///
    /// # Panics
    /// When the socket ends before.
    pub async fn until(&mut self, message: &str) -> Value {
        loop {
            match self.next().await {
                Event::Json(value) if value["message"] == message => return value,
                Event::Json(_) | Event::Bytes(_) => {}
                end @ (Event::Closed { .. } | Event::Broken) => panic!("waited for {message}, got {end:?}"),
            }
        }
    }

    /// The `Error` message that must come, and the close code after it.
    ///
    /// # Panics
    /// When either doesn't come.
    pub async fn until_refused(&mut self) -> (Value, u16) {
        let error = self.until("Error").await;
        match self.next().await {
            Event::Closed { code, .. } => (error, code),
            other => panic!("waited for a close frame after {error}, got {other:?}"),
        }
    }

    /// Opens a session: sends `StartRecognition`, waits for `RecognitionStarted`.
    pub async fn begin(&mut self) -> Value {
        self.start().await;
        self.until("RecognitionStarted").await
    }
}

/// The first message of every client.
fn start_recognition() -> Value {
    json!({
        "message": "StartRecognition",
        "audio_format": {"type": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
        "transcription_config": {"language": "en"},
    })
}
