//! Frames in, messages out.

use super::error::{ErrorKind, SessionError, Stop};
use crate::limits::{MESSAGE_BYTES_MAX, SESSION_IDLE_SECONDS_MAX, WRITE_SECONDS_MAX};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Utf8Bytes, coding::CloseCode};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

/// Buffers of one connection; small, because there may be many.
const BUFFER_BYTES: usize = 16 << 10;
/// Time that a client has to answer a close, its last frames being read and thrown away.
const CLOSE_SECONDS_MAX: u64 = 3;

/// What a client sent.
#[derive(Debug)]
pub(crate) enum Frame {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// A session's connection. Pings are answered while frames are read.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) async fn new(stream: S) -> Wire<S> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        Wire { socket: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await }
    }

    /// The next text or binary frame. May be dropped and called again without losing anything.
    pub(crate) async fn next(&mut self) -> Result<Frame, Stop> {
        let idle = Duration::from_secs(SESSION_IDLE_SECONDS_MAX);
        loop {
            let message = tokio::time::timeout(idle, self.socket.next()).await.map_err(|_| {
                let reason = format!("nothing was sent for {SESSION_IDLE_SECONDS_MAX} seconds");
                SessionError::new(ErrorKind::IdleTimeout, reason)
            })?;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Frame::Text(text)),
                Some(Ok(Message::Binary(bytes))) => return Ok(Frame::Binary(bytes)),
                Some(Ok(Message::Close(_))) | None => return Err(Stop::Gone),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => (),
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &Value) -> Result<(), Stop> {
        let send = self.socket.send(Message::text(message.to_string()));
        match tokio::time::timeout(Duration::from_secs(WRITE_SECONDS_MAX), send).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Stop::Gone),
        }
    }

    /// Closes, and waits a little for the client to do the same: a connection that is dropped with unread frames loses what was sent.
    pub(crate) async fn close(&mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from_static(reason) };
        let closing = async {
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        // A client that doesn't answer is left.
        let _ = tokio::time::timeout(Duration::from_secs(CLOSE_SECONDS_MAX), closing).await;
    }
}

fn broken(error: Error) -> Stop {
    let reason = match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            format!("a message is larger than {MESSAGE_BYTES_MAX} bytes")
        }
        Error::Utf8(_) => "a text message is not UTF-8".to_owned(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return Stop::Gone,
        Error::Protocol(error) => format!("the WebSocket framing is wrong: {error}"),
        _ => return Stop::Gone,
    };
    Stop::Refused(SessionError::new(ErrorKind::InvalidMessage, reason))
}
