//! Where clients come in: a socket, and what is spoken before HTTP on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::peer::TrustedProxies;
use crate::stream::Stream;
use crate::tls::ServerTls;

/// What may wait in the system's buffer of a connection before it was sent once. Without it, the system takes megabytes for each
/// client that doesn't read.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// A socket that clients connect to, and what holds for them.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: Socket,
    /// What is spoken on it before HTTP.
    pub rules: Rules,
}

/// What is spoken on a connection before HTTP, and who is believed.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// TLS, if the gateway speaks it itself here.
    pub tls: Option<Arc<ServerTls>>,
    /// Whether a proxy in front speaks TLS with clients.
    pub behind_tls_proxy: bool,
    /// The proxies that are believed here.
    pub trusted_proxies: TrustedProxies,
    /// Whether every connection begins with a PROXY protocol header. Only trusted proxies may connect then.
    pub proxy_protocol: bool,
}

impl Rules {
    /// Whether clients speak TLS, be it with the gateway or with a proxy in front.
    pub(crate) fn is_tls_spoken(&self) -> bool {
        self.tls.is_some() || self.behind_tls_proxy
    }
}

#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection that was accepted. It belongs to no runtime yet: the thread that will serve it isn't chosen.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(std::os::unix::net::UnixStream),
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket: Socket::Tcp(socket), rules: Rules::default() }
    }
}

/// Whoever may open the socket's file is a trusted proxy: the file's permissions say so, since no address could.
impl From<UnixListener> for Listener {
    fn from(socket: UnixListener) -> Self {
        Self { socket: Socket::Unix(socket), rules: Rules::default() }
    }
}

impl Listener {
    /// The address that clients connect to; none of a Unix socket's.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

impl Socket {
    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok(Accepted::Tcp(stream.into_std()?, peer))
            }
            Self::Unix(socket) => Ok(Accepted::Unix(socket.accept().await?.0.into_std()?)),
        }
    }
}

impl Accepted {
    /// The connection on the runtime of the calling thread, and its peer; none of a Unix socket's.
    pub(crate) fn join(self) -> io::Result<(Stream, Option<SocketAddr>)> {
        match self {
            Self::Tcp(stream, peer) => {
                let stream = TcpStream::from_std(stream)?;
                stream.set_nodelay(true)?;
                #[cfg(target_os = "linux")]
                socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
                Ok((Stream::Tcp(stream), Some(SocketAddr::new(peer.ip().to_canonical(), peer.port()))))
            }
            Self::Unix(stream) => Ok((Stream::Unix(UnixStream::from_std(stream)?), None)),
        }
    }
}

/// The address of whoever is on this machine.
pub(crate) const THIS_MACHINE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpSocket;

    use super::*;

    /// A client that doesn't read makes the system keep little for it, not the megabytes that it would keep otherwise.
    #[tokio::test]
    async fn little_waits_for_who_does_not_read() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = Listener::from(socket);
        let client = TcpSocket::new_v4().unwrap();
        client.set_recv_buffer_size(16 * 1024).unwrap();
        let (client, accepted) =
            tokio::join!(client.connect(listener.address().unwrap()), listener.socket.accept());
        let (Stream::Tcp(stream), _) = accepted.unwrap().join().unwrap() else { panic!("it came by TCP") };
        let piece = [0; 16 * 1024];
        let mut taken = 0;
        stream.writable().await.unwrap();
        while let Ok(bytes) = stream.try_write(&piece) {
            taken += bytes;
        }
        assert!(taken <= 512 * 1024, "{taken} bytes wait");
        drop(client);
    }
}
