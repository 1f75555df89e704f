//! The proxies that are believed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderMap;
use ipnet::IpNet;

use super::forwarded::{self, ClientHeader};
use super::{Arrival, NOWHERE};

/// Proxies between one client and the gateway.
const HOPS_MAX: usize = 16;

/// The proxies that are believed, and the one header in which they tell who speaks. Any other header that a proxy passes on
/// could be the client's own.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    header: ClientHeader,
}

impl fmt::Debug for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.networks.iter()).finish()
    }
}

impl TrustedProxies {
    /// Proxies in these networks.
    pub fn new(networks: &[IpNet], header: ClientHeader) -> Self {
        Self { networks: networks.into(), header }
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether a peer is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from that came by one of them.
    pub fn arrival(&self, proxy: Arrival, headers: &HeaderMap) -> Arrival {
        let client = self.client(headers).map_or(proxy.client, |address| SocketAddr::new(address, 0));
        let is_secure = forwarded::is_secure(headers, self.header).unwrap_or(proxy.is_secure);
        Arrival { client, is_secure }
    }

    /// The last address that isn't a trusted proxy's, looking from the gateway towards the client: each proxy says truly who
    /// asked it, and what an untrusted one says of others is worth nothing. None where no header tells anything.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let hops = match forwarded::hops(headers, self.header) {
            Ok(hops) => hops,
            Err(_) => return Some(NOWHERE),
        };
        let mut farthest = None;
        for (count, hop) in hops.into_iter().rev().enumerate() {
            let Some(address) = hop.filter(|_| count < HOPS_MAX) else { return Some(NOWHERE) };
            farthest = Some(address);
            if !self.trust(address) {
                break;
            }
        }
        farthest
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn proxies(header: ClientHeader) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        TrustedProxies::new(&networks, header)
    }

    fn client(header: ClientHeader, fields: &[(&str, &str)]) -> String {
        let proxy = Arrival { client: "10.0.0.1:4000".parse().unwrap(), is_secure: false };
        proxies(header).arrival(proxy, &headers(fields)).client.ip().to_string()
    }

    fn is_secure(header: ClientHeader, fields: &[(&str, &str)]) -> bool {
        let proxy = Arrival { client: "10.0.0.1:4000".parse().unwrap(), is_secure: false };
        proxies(header).arrival(proxy, &headers(fields)).is_secure
    }

    /// The client is the last hop that isn't ours: what it says of others before it is never believed.
    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        for (value, expected) in [
            ("198.51.100.7", "198.51.100.7"),
            ("198.51.100.7:52000", "198.51.100.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:198.51.100.7", "198.51.100.7"),
            ("198.51.100.7, 10.2.0.1", "198.51.100.7"),
            ("192.0.2.66, 198.51.100.7 ,10.2.0.1,10.2.0.2", "198.51.100.7"),
            ("10.9.9.9, 198.51.100.7", "198.51.100.7"),
            ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
            ("nonsense, 198.51.100.7", "198.51.100.7"),
            ("10.2.0.7, 10.2.0.1", "10.2.0.7"),
            ("198.51.100.7, 2001:db8:1::9", "198.51.100.7"),
        ] {
            assert_eq!(
                client(ClientHeader::XForwardedFor, &[("x-forwarded-for", value)]),
                expected,
                "{value}"
            );
        }
        let lines = [("x-forwarded-for", "192.0.2.66"), ("x-forwarded-for", "198.51.100.7")];
        assert_eq!(client(ClientHeader::XForwardedFor, &lines), "198.51.100.7");
        assert_eq!(client(ClientHeader::XForwardedFor, &[]), "10.0.0.1", "a proxy that speaks for itself");
    }

    /// A client that its proxy doesn't tell comes from nowhere, not from the proxy's own network.
    #[test]
    fn unreadable_hops_are_nowhere() {
        let too_many = ["10.0.0.2"; HOPS_MAX + 1].join(",");
        let longest = ["10.0.0.2"; HOPS_MAX].join(",");
        for value in
            ["unknown", "_hidden", "", "198.51.100.7,", "198.51.100", "a, 10.0.0.2", too_many.as_str()]
        {
            let found = client(ClientHeader::XForwardedFor, &[("x-forwarded-for", value)]);
            assert_eq!(found, NOWHERE.to_string(), "{value}");
        }
        assert_eq!(client(ClientHeader::XForwardedFor, &[("x-forwarded-for", &longest)]), "10.0.0.2");
    }

    /// Of the two headers only the chosen one counts: a proxy that writes one passes the client's own other one on.
    #[test]
    fn one_header_counts() {
        let both = [("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=192.0.2.66;proto=https")];
        assert_eq!(client(ClientHeader::XForwardedFor, &both), "198.51.100.7");
        assert_eq!(client(ClientHeader::Forwarded, &both), "192.0.2.66");
        assert!(!is_secure(ClientHeader::XForwardedFor, &both));
        assert!(is_secure(ClientHeader::Forwarded, &both));
        for name in ["x-real-ip", "x-client-ip", "x-forwarded", "x-forwarded-host", "true-client-ip"] {
            assert_eq!(client(ClientHeader::XForwardedFor, &[(name, "192.0.2.66")]), "10.0.0.1", "{name}");
        }
    }

    /// `Forwarded` as RFC 7239 writes it; a quote that a client leaves open swallows nothing that a proxy adds behind it.
    #[test]
    fn forwarded_is_read_as_it_is_specified() {
        for (value, expected) in [
            ("for=198.51.100.7", "198.51.100.7"),
            ("For=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7"),
            (r#"for="[2001:db8:cafe::17]:4711""#, "2001:db8:cafe::17"),
            (r#"proto=http; for="198.51.100.7:80" , for=10.0.0.9"#, "198.51.100.7"),
            (r#"for=192.0.2.66;host="a,for=1.1.1.1", for=198.51.100.7"#, "198.51.100.7"),
            (r#"host="a\",b";for=198.51.100.7"#, "198.51.100.7"),
            (r#"for=", for=198.51.100.7"#, "::"),
            (r#"for="\, for=198.51.100.7"#, "::"),
            ("for=198.51.100.7;for=192.0.2.66", "::"),
            ("for=unknown", "::"),
            ("proto=https", "::"),
        ] {
            assert_eq!(client(ClientHeader::Forwarded, &[("forwarded", value)]), expected, "{value}");
        }
    }

    /// A request is secure where every proxy that says anything says so.
    #[test]
    fn secure_is_what_all_say() {
        for (value, expected) in [
            ("https", true),
            ("HTTPS", true),
            ("https, https", true),
            ("http", false),
            ("", false),
            ("https,http", false),
            ("wss", false),
        ] {
            let secure = is_secure(ClientHeader::XForwardedFor, &[("x-forwarded-proto", value)]);
            assert_eq!(secure, expected, "{value}");
        }
        assert!(!is_secure(ClientHeader::XForwardedFor, &[]));
    }

    proptest! {
        /// Whatever a client writes, what its trusted proxy appends decides, or nothing is known.
        #[test]
        fn a_client_never_chooses_its_address(claimed in "[ -~]{0,60}", address: [u8; 4]) {
            let address = IpAddr::from(address);
            prop_assume!(!proxies(ClientHeader::default()).trust(address));
            let said = format!("{claimed}, {address}");
            prop_assert_eq!(client(ClientHeader::XForwardedFor, &[("x-forwarded-for", &said)]), address.to_string());
            let said = format!("{claimed}, for={address}");
            let found = client(ClientHeader::Forwarded, &[("forwarded", &said)]);
            prop_assert!(found == address.to_string() || found == NOWHERE.to_string(), "{}", found);
        }
    }
}
