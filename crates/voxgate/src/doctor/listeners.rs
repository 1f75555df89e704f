//! The addresses that the configuration names: free for a server that will start, answering where one runs.

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Report;
use crate::config::Settings;

const ABOUT: &str = "listeners";
/// A listener of this machine accepts within this.
const ACCEPT_SECONDS_MAX: u64 = 3;

pub(super) async fn look(report: &mut Report, settings: &Settings, is_running: bool) {
    for listener in &settings.listeners {
        let Some(address) = listener.address() else { continue };
        if is_running {
            answers(report, address).await;
        } else {
            is_free(report, address).await;
        }
    }
}

async fn answers(report: &mut Report, address: std::net::SocketAddr) {
    match timeout(Duration::from_secs(ACCEPT_SECONDS_MAX), TcpStream::connect(reachable(address))).await {
        Ok(Ok(_)) => report.ok(ABOUT, format!("the server accepts connections at {address}")),
        Ok(Err(_)) | Err(_) => report.fail(
            ABOUT,
            format!("nothing accepts connections at {address}, though a server runs on this data folder"),
            "restart the server, so that it takes the present configuration",
        ),
    }
}

/// The same port at an address that can be connected to.
pub(super) const fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), v4.port())
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), v6.port())
        }
        other => other,
    }
}

async fn is_free(report: &mut Report, address: std::net::SocketAddr) {
    match TcpListener::bind(address).await {
        Ok(_) => report.ok(ABOUT, format!("{address} is free for the server to listen at")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => report.fail(
            ABOUT,
            format!("{address} is taken by another program, and no server runs on this data folder"),
            format!(
                "stop what listens there (ss -ltnp 'sport = :{}' shows it), or change the listener",
                address.port()
            ),
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => report.warn(
            ABOUT,
            format!("this user may not listen at {address}"),
            "that is fine if the server gets the socket from systemd or has CAP_NET_BIND_SERVICE",
        ),
        Err(error) => report.fail(
            ABOUT,
            format!("{address} can't be listened at: {error}"),
            "change the listener's address",
        ),
    }
}
