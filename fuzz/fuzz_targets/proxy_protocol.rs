//! Any bytes before a connection: the reader of PROXY protocol headers neither panics nor reads without end, never asks for a byte
//! beyond the header, and understands the same as the library that it stands on.

#![no_main]

use std::net::{IpAddr, Ipv6Addr};

// The one file instead of its crate: it needs nothing of the rest, which would take minutes to build.
#[expect(dead_code, reason = "only what does no I/O is called here")]
#[path = "../../crates/gateway/src/peer/proxy_protocol.rs"]
mod proxy_protocol;

use libfuzzer_sys::fuzz_target;
use ppp::{HeaderResult, PartialResult as _};
use proxy_protocol::{HEADER_BYTES_MAX, InvalidHeader, Speaker, missing, parse};

/// What stands in `peer` beside the file.
const NOWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Reads as the gateway does: how many bytes, and what they say.
fn read(bytes: &[u8]) -> (usize, Result<Speaker, InvalidHeader>) {
    let mut at = 0;
    loop {
        match missing(&bytes[..at]) {
            Ok(0) => return (at, parse(&bytes[..at])),
            Ok(count) if at + count <= bytes.len() => at += count,
            Ok(_) | Err(InvalidHeader) => return (at, Err(InvalidHeader)),
        }
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let begin: &[u8] = match input.0 % 3 {
        0 => b"",
        1 => b"PROXY TCP4 ",
        _ => ppp::v2::PROTOCOL_PREFIX,
    };
    let bytes = [begin, input.1].concat();
    let (length, told) = read(&bytes);
    assert!(length <= HEADER_BYTES_MAX && length <= bytes.len());
    let Ok(speaker) = told else { return };
    // Nothing of what follows changes what the header says.
    assert_eq!(read(&bytes[..length]), (length, told));
    let header = HeaderResult::parse(&bytes[..length]);
    assert!(header.is_complete(), "what is whole for us is whole for the library");
    if let Speaker::Client(address) = speaker {
        assert_eq!(address.ip(), address.ip().to_canonical());
    }
});
