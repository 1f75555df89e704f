//! Who a request comes from: the peer itself, or the client that a trusted proxy speaks for.
//!
//! Nobody but a trusted proxy is believed. It tells the client's address in one of two ways: before the first byte of a
//! connection, by the PROXY protocol ([`proxy_protocol`]), or in one header of each request ([`TrustedProxies`]).

mod forwarded;
mod limit;
pub mod proxy_protocol;
mod trusted;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;

pub use forwarded::ClientHeader;
pub(crate) use limit::{Peers, Present};
pub use trusted::TrustedProxies;

/// The address of a client that its proxy doesn't tell. No network that anybody would allow holds it.
pub const NOWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The client's address. An IPv4 address is one, never mapped into IPv6. The port is 0 where only the address is known.
    pub client: SocketAddr,
    /// Whether the client speaks TLS, with the gateway or with a trusted proxy that says so.
    pub is_secure: bool,
}

/// What a client says about itself in the name of a proxy, or of what a proxy rewrote.
const CLAIMS: [&str; 6] =
    ["forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-url", "x-rewrite-url"];
/// What all other such claims begin with.
const CLAIM_PREFIX: &str = "x-forwarded";

/// Takes away all that a client or a proxy says about where a request comes from: what counted of it was read before.
pub(crate) fn strip_claims(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers
        .keys()
        .filter(|name| CLAIMS.contains(&name.as_str()) || name.as_str().starts_with(CLAIM_PREFIX))
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}
