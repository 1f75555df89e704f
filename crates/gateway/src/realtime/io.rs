//! The client's end of a session.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::guard::ClientIo;

/// A client's connection after its upgrade.
#[derive(Debug)]
pub(crate) enum ClientEnd {
    /// Its socket, taken out of hyper.
    Tcp(TcpStream),
    /// Anything else, TLS for one, as hyper hands it over.
    Other(Box<TokioIo<Upgraded>>),
}

impl ClientEnd {
    /// Takes the connection out of hyper, with what was read beyond the request.
    pub(crate) fn take(upgraded: Upgraded) -> (Self, Bytes) {
        let upgraded = match upgraded.downcast::<TokioIo<ClientIo>>() {
            Ok(parts) => {
                let (stream, unread) = parts.io.into_inner().into_parts();
                return Self::tcp(stream, joined(parts.read_buf, unread));
            }
            Err(upgraded) => upgraded,
        };
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => Self::tcp(parts.io.into_inner(), parts.read_buf),
            Err(upgraded) => (Self::Other(Box::new(TokioIo::new(upgraded))), Bytes::new()),
        }
    }

    fn tcp(stream: TcpStream, early: Bytes) -> (Self, Bytes) {
        // Only a delay is at stake if the socket doesn't take the option.
        let _ = stream.set_nodelay(true);
        (Self::Tcp(stream), early)
    }
}

/// What hyper has read, and what it has not read yet. Copied: the buffers behind them are larger.
fn joined(first: Bytes, second: Bytes) -> Bytes {
    if first.is_empty() && second.is_empty() {
        return Bytes::new();
    }
    [first, second].concat().into()
}

/// A connection that can be reset.
pub(crate) trait Reset {
    /// Makes the coming drop a reset: nothing that is still to be sent is sent.
    fn reset_on_drop(&self);
}

impl Reset for TcpStream {
    fn reset_on_drop(&self) {
        // Only how the connection ends is at stake.
        let _ = self.set_zero_linger();
    }
}

impl Reset for ClientEnd {
    fn reset_on_drop(&self) {
        if let Self::Tcp(stream) = self {
            stream.reset_on_drop();
        }
    }
}

impl AsyncRead for ClientEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Other(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Other(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Other(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Other(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A connection that is no plain socket passes bytes all the same, those that came with the request first.
    #[tokio::test]
    async fn any_connection_passes_bytes() {
        let (mut client, server) = tokio::io::duplex(1024);
        let service = service_fn(|mut request: Request<Incoming>| async move {
            let upgraded = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let (mut end, early) = ClientEnd::take(upgraded.await.unwrap());
                assert!(matches!(end, ClientEnd::Other(_)));
                assert!(early.is_empty(), "hyper hands out what it has read itself");
                let mut word = [0; 10];
                end.read_exact(&mut word).await.unwrap();
                end.write_all(&word).await.unwrap();
                end.flush().await.unwrap();
                end.shutdown().await.unwrap();
            });
            let response =
                Response::builder().status(101).header("connection", "upgrade").header("upgrade", "x");
            Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
        });
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let connection = tokio::spawn(connection.with_upgrades());
        let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nearly";
        client.write_all(request.as_bytes()).await.unwrap();
        client.write_all(b" word").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 101") && answer.ends_with("\r\n\r\nearly word"), "{answer}");
        connection.await.unwrap().unwrap();
    }
}
