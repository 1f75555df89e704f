//! The recording engine's side of a WebSocket.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::recorder::Shared;
use crate::wire::frame::{self, Frame};
use crate::wire::message::Head;

const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Answers the upgrade as the tag says: properly, late, or otherwise; then speaks a little.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    mut stream: TcpStream,
    early: Vec<u8>,
    head: &Head,
    tag: &str,
    place: usize,
) {
    if let Some(status) = tag.strip_prefix("upgrade-") {
        let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 2\r\n\r\nno");
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    let key = head.first("sec-websocket-key").unwrap_or_default();
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{ACCEPT_SUFFIX}").as_bytes(),
    );
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {}\r\n\r\n",
        STANDARD.encode(hash)
    );
    if stream.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
    let mut received = early;
    let mut buffer = [0; 4 * 1024];
    loop {
        while let Some((frame, taken)) = Frame::take(&received) {
            received.drain(..taken);
            shared.note_frame(place, frame.opcode, frame.payload.len());
            let reply = match frame.opcode {
                frame::TEXT if frame.payload.windows(16).any(|part| part == b"StartRecognition") => {
                    frame::build(frame::TEXT, br#"{"message":"RecognitionStarted","id":"x"}"#, None)
                }
                frame::BINARY => frame::build(frame::TEXT, br#"{"message":"AudioAdded","seq_no":1}"#, None),
                frame::PING => frame::build(frame::PONG, &frame.payload, None),
                frame::CLOSE => frame::build(frame::CLOSE, &frame.payload, None),
                _ => continue,
            };
            if stream.write_all(&reply).await.is_err() || frame.opcode == frame::CLOSE {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
        }
    }
}
