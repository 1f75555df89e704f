//! The PROXY protocol, versions 1 and 2: what a proxy says about its client before the client's first byte.
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>
//!
//! The header is read piece by piece, and never a byte of what follows it: that may be TLS already. What of it may be read
//! next is decided by [`missing`], what it means by [`parse`]; neither does any I/O.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::NOWHERE;

/// The longest header, in bytes. Version 1 has at most 107; of version 2 most is what proxies add about TLS and clouds.
pub const HEADER_BYTES_MAX: usize = 2048;

/// What both versions surely have, in bytes.
const FIRST_BYTES: usize = 12;
/// What version 2 has before its addresses, in bytes: the last two tell how long the rest is.
const V2_FIXED_BYTES: usize = 16;
/// The longest header of version 1, in bytes.
const V1_BYTES_MAX: usize = 107;
const V1_PREFIX: &[u8] = b"PROXY ";

/// Who a proxy speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A client at this address.
    Client(SocketAddr),
    /// A client that it can't tell: it comes from nowhere.
    Unknown,
    /// The proxy itself, to see whether the gateway is well.
    Proxy,
}

/// No PROXY protocol header, or a wrong one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection doesn't begin with a valid PROXY protocol header")]
pub struct InvalidHeader;

impl Speaker {
    /// The address that counts, of a connection from `proxy`.
    pub const fn address(self, proxy: SocketAddr) -> SocketAddr {
        match self {
            Self::Client(address) => address,
            Self::Unknown => SocketAddr::new(NOWHERE, 0),
            Self::Proxy => proxy,
        }
    }
}

/// How many bytes may be read without reading beyond the header, after these; 0 when it is whole.
///
/// # Errors
/// When this is no header, or one that is too long.
pub fn missing(read: &[u8]) -> Result<usize, InvalidHeader> {
    if read.len() < FIRST_BYTES {
        return Ok(FIRST_BYTES - read.len());
    }
    if read.starts_with(v2::PROTOCOL_PREFIX) {
        let &[high, low] = read.get(V2_FIXED_BYTES - 2..V2_FIXED_BYTES).unwrap_or_default() else {
            return Ok(V2_FIXED_BYTES - read.len());
        };
        let length = V2_FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
        return if length > HEADER_BYTES_MAX {
            Err(InvalidHeader)
        } else {
            Ok(length.saturating_sub(read.len()))
        };
    }
    match read.starts_with(V1_PREFIX) {
        true if read.ends_with(b"\r\n") => Ok(0),
        // The line may end with the next byte.
        true if read.len() < V1_BYTES_MAX => Ok(1),
        _ => Err(InvalidHeader),
    }
}

/// Reads a whole header.
///
/// # Errors
/// When it is none.
pub fn parse(header: &[u8]) -> Result<Speaker, InvalidHeader> {
    if !header.starts_with(v2::PROTOCOL_PREFIX) {
        let header = v1::Header::try_from(header).map_err(|_| InvalidHeader)?;
        return Ok(match header.addresses {
            v1::Addresses::Tcp4(ip) => client(ip.source_address.into(), ip.source_port),
            v1::Addresses::Tcp6(ip) => client(ip.source_address.into(), ip.source_port),
            v1::Addresses::Unknown => Speaker::Unknown,
        });
    }
    let header = v2::Header::try_from(header).map_err(|_| InvalidHeader)?;
    if header.command == v2::Command::Local {
        return Ok(Speaker::Proxy);
    }
    match (header.protocol, header.addresses) {
        (v2::Protocol::Stream, v2::Addresses::IPv4(ip)) => {
            Ok(client(ip.source_address.into(), ip.source_port))
        }
        (v2::Protocol::Stream, v2::Addresses::IPv6(ip)) => {
            Ok(client(ip.source_address.into(), ip.source_port))
        }
        (v2::Protocol::Datagram, _) => Err(InvalidHeader),
        _ => Ok(Speaker::Unknown),
    }
}

fn client(address: IpAddr, port: u16) -> Speaker {
    Speaker::Client(SocketAddr::new(address.to_canonical(), port))
}

/// Reads the header off a connection, and nothing else. The caller bounds the time.
///
/// # Errors
/// When the connection fails, or doesn't begin with one.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Speaker> {
    let mut header = Vec::with_capacity(V1_BYTES_MAX);
    loop {
        let count = missing(&header).map_err(invalid)?;
        if count == 0 {
            return parse(&header).map_err(invalid);
        }
        let had = header.len();
        header.resize(had + count, 0);
        stream.read_exact(&mut header[had..]).await?;
    }
}

fn invalid(error: InvalidHeader) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
#[path = "proxy_protocol_tests.rs"]
mod tests;
