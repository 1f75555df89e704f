//! A realtime session, opened by hand.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::frame::{self, Frame};
use super::{Answer, parse_one};

/// What a client must send to open a WebSocket.
pub(crate) const HANDSHAKE: &str = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
/// The first message of every client.
pub(crate) const START: &[u8] = br#"{"message":"StartRecognition","audio_format":{"type":"raw","encoding":"pcm_s16le","sample_rate":16000},"transcription_config":{"language":"en"}}"#;
/// The mask of frames; any will do.
pub(crate) const MASK: Option<[u8; 4]> = Some([0x1f, 0x2e, 0x3d, 0x4c]);
const PATIENCE_SECONDS: u64 = 15;

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

/// How a session ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The `type` of the last `Error` message; empty where none came.
    pub(crate) kind: String,
    /// Its `reason`.
    pub(crate) reason: String,
    /// The code of the close frame; 0 where none came.
    pub(crate) code: u16,
}

impl Session {
    /// Opens one with these lines in the head, the handshake's own among them.
    pub(crate) async fn open(address: SocketAddr, target: &str, lines: &str) -> Result<Self, Answer> {
        let mut stream = TcpStream::connect(address).await.map_err(|_| Answer::default())?;
        let _ = stream.set_nodelay(true);
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
        stream.write_all(head.as_bytes()).await.map_err(|_| Answer::default())?;
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if let Some((answer, length)) = parse_one(&received, false) {
                received.drain(..length);
                return if answer.status == 101 { Ok(Self { stream, received }) } else { Err(answer) };
            }
            let reading =
                tokio::time::timeout(Duration::from_secs(PATIENCE_SECONDS), stream.read(&mut buffer));
            match reading.await {
                Ok(Ok(count @ 1..)) => received.extend_from_slice(&buffer[..count]),
                _ => return Err(Answer::default()),
            }
        }
    }

    /// Opens one with a credential in the header.
    pub(crate) async fn with_header(address: SocketAddr, credential: &str) -> Result<Self, Answer> {
        Self::open(address, "/v2", &format!("authorization: Bearer {credential}\r\n{HANDSHAKE}")).await
    }

    /// Opens one with a credential in the URL.
    pub(crate) async fn with_url(address: SocketAddr, credential: &str) -> Result<Self, Answer> {
        Self::open(address, &format!("/v2?jwt={credential}"), HANDSHAKE).await
    }

    /// Sends bytes; false where the other end is gone.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Sends the first message of every client.
    pub(crate) async fn start(&mut self) -> bool {
        self.send(&frame::build(frame::TEXT, START, MASK)).await
    }

    /// The next frame; none where the connection is over or silent for long.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let reading = async {
            loop {
                if let Some((frame, taken)) = Frame::take(&self.received) {
                    self.received.drain(..taken);
                    return Some(frame);
                }
                let mut buffer = [0; 4 * 1024];
                match self.stream.read(&mut buffer).await {
                    Ok(count @ 1..) => self.received.extend_from_slice(&buffer[..count]),
                    Ok(_) | Err(_) => return None,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(PATIENCE_SECONDS), reading).await.ok().flatten()
    }

    /// Waits for a message of this kind; false where the session ends before.
    pub(crate) async fn until(&mut self, message: &str) -> bool {
        while let Some(frame) = self.next().await {
            let value: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            if value["message"] == message {
                return true;
            }
            if frame.opcode == frame::CLOSE {
                return false;
            }
        }
        false
    }

    /// Listens until the session ends.
    pub(crate) async fn ending(&mut self) -> Ending {
        let mut ending = Ending::default();
        while let Some(frame) = self.next().await {
            if let Some(code) = frame.close_code() {
                ending.code = code;
                return ending;
            }
            let value: Value = serde_json::from_slice(&frame.payload).unwrap_or_default();
            if value["message"] == "Error" {
                let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
                (ending.kind, ending.reason) = (text("type"), text("reason"));
            }
        }
        ending
    }
}
