//! Sockets to listen on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// How often a port that is free on 127.0.0.1 but not on ::1 is given back and another one tried.
const FREE_PORT_TRIES_MAX: usize = 16;

/// Listens on one address.
///
/// # Errors
/// When the system refuses.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Listens on a port of 127.0.0.1 and of ::1, so that `localhost` works whichever a client tries first. Port 0 means
/// any port that is free on both. A machine without IPv6 listens on 127.0.0.1 alone.
///
/// # Errors
/// When the port is taken.
pub async fn bind_loopback(port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let four = bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await?;
        let chosen = four.local_addr()?.port();
        match bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), chosen)).await {
            Ok(six) => return Ok((chosen, vec![four, six])),
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Ok((chosen, vec![four])),
            Err(error) if port != 0 || tries == FREE_PORT_TRIES_MAX => return Err(error),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `localhost` means both loopback addresses, with one port.
    #[tokio::test]
    async fn both_loopback_addresses_have_the_port() {
        let (port, listeners) = bind_loopback(0).await.unwrap();
        assert!(listeners.iter().all(|listener| {
            let address = listener.local_addr().unwrap();
            address.port() == port && address.ip().is_loopback()
        }));
        assert_eq!(bind_loopback(port).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
