//! The address of an instance elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Where an instance's management API is: `https://mp.example.org`, without `/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

/// Why a text is no address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerUrl {
    /// No URL of the right kind.
    #[error("expected the management API's URL, as in https://mp.example.org")]
    Form,
    /// Without TLS, to another machine.
    #[error(
        "http:// would send the management token in the clear: use https://, or run the command on the server's machine \
         with --data-dir or --config"
    )]
    Clear,
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, InvalidServerUrl> {
        let uri: ::http::Uri = text.parse().map_err(|_| InvalidServerUrl::Form)?;
        let authority = uri.authority().ok_or(InvalidServerUrl::Form)?;
        if authority.as_str().contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(InvalidServerUrl::Form);
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(authority.host()) => {}
            Some("http") => return Err(InvalidServerUrl::Clear),
            _ => return Err(InvalidServerUrl::Form),
        }
        let base = text.trim_end_matches('/');
        Ok(Self(base.strip_suffix("/v1").unwrap_or(base).to_owned()))
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl ServerUrl {
    /// The URL of a path, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token goes over TLS or stays on this machine; what could be read in two ways is refused.
    #[test]
    fn only_safe_addresses() {
        for (text, base) in [
            ("https://mp.example.org", "https://mp.example.org"),
            ("https://mp.example.org/v1/", "https://mp.example.org"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://127.0.0.2:1/", "http://127.0.0.2:1"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), base);
        }
        for clear in ["http://mp.example.org", "http://localhost.example.org", "http://192.0.2.1"] {
            assert_eq!(clear.parse::<ServerUrl>(), Err(InvalidServerUrl::Clear), "{clear}");
        }
        for wrong in [
            "",
            "mp.example.org",
            "ftp://x",
            "https://user@host",
            "https://host/?a=1",
            "https://host/#a",
            "/v1",
        ] {
            assert_eq!(wrong.parse::<ServerUrl>(), Err(InvalidServerUrl::Form), "{wrong}");
        }
    }
}
