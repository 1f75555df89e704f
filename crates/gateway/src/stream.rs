//! A connection's bytes, whatever carries them: TCP, a Unix socket, TLS on top of TCP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::{ConnectionCommon, SideData};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// A connection, of a client or to an engine. Not generic: what is below shows in a branch or two per call, and nowhere else.
#[derive(Debug)]
pub enum Stream {
    /// Plain.
    Tcp(TcpStream),
    /// From this machine.
    Unix(UnixStream),
    /// Encrypted. Boxed, so that a plain connection doesn't carry its size along.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Makes the coming drop a reset: nothing that is still to be sent is sent.
    pub(crate) fn reset_on_drop(&self) {
        // Only how the connection ends is at stake.
        let _ = match self {
            Self::Tcp(stream) => stream.set_zero_linger(),
            Self::Tls(stream) => stream.get_ref().0.set_zero_linger(),
            Self::Unix(_) => Ok(()),
        };
    }

    /// Sends on what TLS holds back: how many bytes went now, none once it holds nothing. What a plain socket has taken is on its
    /// way.
    pub(crate) fn poll_push(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self::Tls(stream) = self else { return Poll::Ready(Ok(0)) };
        match &mut **stream {
            TlsStream::Server(stream) => {
                let (socket, session) = stream.get_mut();
                push(session, Now { socket, cx })
            }
            TlsStream::Client(stream) => {
                let (socket, session) = stream.get_mut();
                push(session, Now { socket, cx })
            }
        }
    }
}

fn push<S: SideData>(session: &mut ConnectionCommon<S>, mut socket: Now<'_, '_>) -> Poll<io::Result<usize>> {
    if !session.wants_write() {
        return Poll::Ready(Ok(0));
    }
    match session.write_tls(&mut socket) {
        Ok(0) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        sent => Poll::Ready(sent),
    }
}

/// A socket that takes what it can at once; its task is woken when it can take more.
struct Now<'a, 'b> {
    socket: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

impl io::Write for Now<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match Pin::new(&mut *self.socket).poll_write(self.cx, bytes) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // What a plain socket has taken is on its way.
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
