//! From a connection to the first byte of HTTP: who is at its other end, whether it may come in, and which protocol it speaks.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;

use crate::guard::{ClientIo, Protocol};
use crate::listener::{Accepted, Rules, THIS_MACHINE};
use crate::peer::{Arrival, Peers, Present, proxy_protocol};
use crate::stream::Stream;
use crate::tls::ServerTls;
use crate::{Gateway, GatewayLimits};

/// What ALPN calls HTTP/2.
const H2: &[u8] = b"h2";
/// What TLS holds at most of what a client doesn't take, in bytes.
const TLS_BUFFER_BYTES_MAX: usize = 32 * 1024;

/// The places that all listeners of a gateway share.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Connections that may be open.
    pub(super) connections: Arc<Semaphore>,
    /// TLS handshakes that may be under way.
    handshakes: Semaphore,
    peers: Peers,
}

/// A connection whose first request may come.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) io: ClientIo,
    pub(super) protocol: Protocol,
    /// Where its requests come from, unless a trusted proxy says otherwise of each.
    pub(super) arrival: Arrival,
    /// Whether a trusted proxy is at its other end.
    pub(super) by_proxy: bool,
    /// Its place among those of its peer.
    pub(super) present: Option<Present>,
}

impl Doors {
    pub(crate) fn new(limits: &GatewayLimits) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            handshakes: Semaphore::new(limits.handshakes_max),
            peers: Peers::default(),
        }
    }
}

/// Lets a connection in.
///
/// # Errors
/// When it may not come in, breaks off, or takes too long.
pub(super) async fn enter(gateway: &Gateway, rules: &Rules, accepted: Accepted) -> io::Result<Entered> {
    let limits = &gateway.config.limits;
    let deadline = Instant::now() + Duration::from_secs(limits.handshake_seconds_max);
    let (mut stream, peer) = accepted.join()?;
    let mut client = peer.unwrap_or(THIS_MACHINE);
    // A Unix socket's file says who may connect.
    let mut by_proxy = peer.is_none() || rules.trusted_proxies.trust(client.ip());
    if rules.proxy_protocol {
        if !by_proxy {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it isn't a trusted proxy"));
        }
        let speaker = timeout_at(deadline, proxy_protocol::read(&mut stream)).await??;
        client = speaker.address(client);
        by_proxy = rules.trusted_proxies.trust(client.ip());
    }
    let present = gateway.doors.count(client, by_proxy, limits.connections_per_peer_max)?;
    let (stream, agreed) = match &rules.tls {
        None => (stream, None),
        // Boxed: TLS is large until it stands.
        Some(tls) => timeout_at(deadline, Box::pin(gateway.doors.shake_hands(tls, stream))).await??,
    };
    let mut io = ClientIo::new(stream, limits.into());
    io.count_on(&gateway.metrics);
    let protocol = match agreed {
        Some(protocol) => {
            io.expect(protocol);
            protocol
        }
        None => io.detect().await?,
    };
    let arrival = Arrival { client, is_secure: rules.tls.is_some() };
    Ok(Entered { io, protocol, arrival, by_proxy, present })
}

impl Doors {
    /// Counts a connection for its peer. A trusted proxy has the connections of many clients, and this machine is no stranger.
    fn count(
        &self,
        client: SocketAddr,
        by_proxy: bool,
        connections_max: usize,
    ) -> io::Result<Option<Present>> {
        if by_proxy || client.ip().is_loopback() {
            return Ok(None);
        }
        let present = self.peers.enter(client.ip(), connections_max);
        present.map(Some).ok_or_else(|| {
            io::Error::new(io::ErrorKind::QuotaExceeded, "its address has as many connections as it may have")
        })
    }

    /// TLS, and what was agreed upon to be spoken over it.
    async fn shake_hands(&self, tls: &ServerTls, stream: Stream) -> io::Result<(Stream, Option<Protocol>)> {
        let Stream::Tcp(stream) = stream else { return Err(io::ErrorKind::Unsupported.into()) };
        // Who says nothing takes no place from those who do.
        stream.readable().await?;
        let place = self.handshakes.acquire().await.map_err(io::Error::other)?;
        let mut stream: TlsStream<TcpStream> = tls.acceptor().accept(stream).await?;
        drop(place);
        let (_, connection) = stream.get_mut();
        connection.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
        let agreed = connection.alpn_protocol().map(|name| match name {
            H2 => Protocol::Http2,
            _ => Protocol::Http1,
        });
        Ok((Stream::Tls(Box::new(stream.into())), agreed))
    }
}
