//! Whatever a client writes into `X-Forwarded-For` or `Forwarded`, what the proxy adds behind it is read, as the last hop; or
//! nothing is.

#![no_main]

// The file instead of its crate, which would take minutes to build.
#[path = "../../crates/gateway/src/peer"]
mod peer {
    use std::net::IpAddr;

    use http::HeaderMap;

    mod forwarded;

    pub(crate) use forwarded::ClientHeader;

    pub(crate) fn hops(headers: &HeaderMap, header: ClientHeader) -> Option<Vec<Option<IpAddr>>> {
        let _ = forwarded::is_secure(headers, header);
        forwarded::hops(headers, header).ok()
    }
}

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use peer::{ClientHeader, hops};

const ADDED: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

fn check(header: ClientHeader, name: &'static str, said: &[u8], added: &[u8], in_one_line: bool) {
    let mut headers = HeaderMap::new();
    let joined = [said, b", ", added].concat();
    let lines: &[&[u8]] = if in_one_line { &[&joined] } else { &[said, added] };
    for line in lines {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(name, value);
    }
    if let Some(hops) = hops(&headers, header) {
        assert_eq!(hops.last(), Some(&Some(ADDED)));
    }
}

fuzz_target!(|data: (bool, &[u8])| {
    let (in_one_line, said) = data;
    check(ClientHeader::XForwardedFor, "x-forwarded-for", said, b"192.0.2.9", in_one_line);
    check(ClientHeader::Forwarded, "forwarded", said, b"for=192.0.2.9;proto=https", in_one_line);
    let control =
        HeaderMap::from_iter([(http::header::FORWARDED, HeaderValue::from_static("for=192.0.2.9"))]);
    assert_eq!(hops(&control, ClientHeader::Forwarded), Some(vec![Some(ADDED)]));
});
