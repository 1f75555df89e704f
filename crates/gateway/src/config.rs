//! What the gateway is told at its start.

use std::fmt;

use domain::Region;

use crate::realtime::SessionTimes;
use crate::trace::Tracing;
use crate::{EngineTls, GatewayLimits};

/// Everything that a gateway is told.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// The regions that it serves, and what it knows of those that it doesn't.
    pub regions: Vec<RegionConfig>,
    /// Keys the `user_id` that engines see, so that it can't be guessed from a project's number.
    pub user_id_key: UserIdKey,
    /// How realtime refusals that both sides of design 7 allow are told.
    pub refusal_style: RefusalStyle,
    /// Limits that depend on the machine.
    pub limits: GatewayLimits,
    /// How long things may take in a realtime session.
    pub session_times: SessionTimes,
    /// Which requests are traced, if any.
    pub tracing: Option<Tracing>,
}

/// The key of the `user_id` hash.
#[derive(Clone)]
pub struct UserIdKey(pub [u8; 32]);

impl fmt::Debug for UserIdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserIdKey(…)")
    }
}

/// How realtime refusals are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefusalStyle {
    /// By HTTP where the credential is in the header, in-band where it is in the URL.
    #[default]
    ByCredential,
    /// Always by HTTP.
    Http,
    /// Always in-band.
    InBand,
}

/// One region.
#[derive(Debug, Clone)]
pub struct RegionConfig {
    /// Which.
    pub region: Region,
    /// Where clients reach its Jobs API, told in details: `https://eu1.asr.example.org/v2`.
    pub batch_url: String,
    /// Where clients reach its realtime endpoint.
    pub realtime_url: Option<String>,
    /// The engine behind the Jobs API; a region without one answers 503.
    pub batch_upstream: Option<Upstream>,
    /// The engine behind realtime.
    pub realtime_upstream: Option<Upstream>,
    /// The engine for text to speech; without one there is no such route.
    pub tts_upstream: Option<Upstream>,
    /// What the engine wants in `Authorization`, if anything.
    pub engine_token: Option<EngineToken>,
    /// What the engine can do.
    pub capabilities: EngineCapabilities,
}

/// What an engine can do; the gateway bridges the rest (protocol 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineCapabilities {
    /// It understands `wait` on reads.
    pub wait: bool,
    /// It understands `DELETE`.
    pub delete: bool,
    /// It serves logs.
    pub log: bool,
}

impl Default for EngineCapabilities {
    fn default() -> Self {
        Self { wait: false, delete: true, log: true }
    }
}

/// An engine's own token.
#[derive(Clone)]
pub struct EngineToken(String);

impl EngineToken {
    /// Takes a token.
    ///
    /// # Errors
    /// When it can't stand in a header.
    pub fn new(token: &str) -> Result<Self, InvalidUpstream> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidUpstream::Token);
        }
        Ok(Self(token.to_owned()))
    }

    /// The token, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EngineToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineToken(…)")
    }
}

/// Where an engine listens, fixed at the start: nothing in a request changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    host: String,
    port: u16,
    base_path: String,
    security: Security,
}

/// How an engine is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Security {
    Plain,
    /// By TLS; without anything to verify the engine with, not at all.
    Tls(Option<EngineTls>),
}

/// Why an engine's address or token can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpstream {
    /// Not one of the schemes.
    #[error("an engine's URL must start with http://, https://, ws:// or wss://")]
    Scheme,
    /// No host, or one with user information.
    #[error("an engine's URL must name a host and maybe a port, as in http://127.0.0.1:18000")]
    Host,
    /// A path that isn't plain.
    #[error("the path of an engine's URL must be plain, as in /engine, without query, fragment or escapes")]
    Path,
    /// A token that can't stand in a header.
    #[error("an engine's token must be visible ASCII and not empty")]
    Token,
}

impl Upstream {
    /// Reads `http://host[:port][/base]`, `ws://…`, `https://…` or `wss://…`. A final `/v2` and slashes are taken off: the gateway adds the route.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn parse(url: &str) -> Result<Self, InvalidUpstream> {
        let uri: http::Uri = url.parse().map_err(|_| InvalidUpstream::Host)?;
        let (security, usual_port) = match uri.scheme_str() {
            Some("http" | "ws") => (Security::Plain, 80),
            Some("https" | "wss") => (Security::Tls(None), 443),
            _ => return Err(InvalidUpstream::Scheme),
        };
        let authority = uri.authority().ok_or(InvalidUpstream::Host)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(InvalidUpstream::Host);
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(InvalidUpstream::Path);
        }
        let path = uri.path().trim_end_matches('/');
        let base = path.strip_suffix("/v2").unwrap_or(path).trim_end_matches('/');
        if base.bytes().any(|byte| matches!(byte, b'%' | b';' | b'\\')) || base.contains("//") {
            return Err(InvalidUpstream::Path);
        }
        Ok(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(usual_port),
            base_path: base.to_owned(),
            security,
        })
    }

    /// Whether it is spoken to by TLS.
    pub const fn is_tls(&self) -> bool {
        matches!(self.security, Security::Tls(_))
    }

    /// The same one, verified by this if it is spoken to by TLS.
    #[must_use]
    pub fn verified_by(mut self, tls: &EngineTls) -> Self {
        if self.is_tls() {
            self.security = Security::Tls(Some(tls.clone()));
        }
        self
    }

    /// What to speak TLS with, if it is spoken to by TLS.
    ///
    /// # Errors
    /// When there is nothing to verify it with: it must not be spoken to.
    pub(crate) fn tls(&self) -> std::io::Result<Option<&EngineTls>> {
        match &self.security {
            Security::Plain => Ok(None),
            Security::Tls(Some(tls)) => Ok(Some(tls)),
            Security::Tls(None) => Err(std::io::Error::other("nothing is set up to verify the engine with")),
        }
    }

    /// The host, with brackets if it is an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What stands before every path, without a final slash.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Host and port, as a `Host` header has them and as a resolver takes them.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engines are named by plain URLs; what could be read in two ways is refused.
    #[test]
    fn upstream_urls() {
        let upstream = Upstream::parse("http://127.0.0.1:18000/v2/").unwrap();
        assert_eq!((upstream.authority().as_str(), upstream.base_path()), ("127.0.0.1:18000", ""));
        assert_eq!(Upstream::parse("ws://[::1]:9000/engine/v2").unwrap().base_path(), "/engine");
        assert_eq!(Upstream::parse("http://engine").unwrap().port(), 80);
        assert_eq!(Upstream::parse("ftp://engine"), Err(InvalidUpstream::Scheme));
        let secure = Upstream::parse("wss://engine/v2").unwrap();
        assert!((secure.is_tls(), secure.port()) == (true, 443) && !upstream.is_tls());
        assert!(secure.tls().is_err(), "an engine that nothing verifies is not spoken to");
        for url in
            ["http://user@engine", "http:///x", "engine:80", "", "http://engine/a%2fb", "http://engine/?x=1"]
        {
            assert!(Upstream::parse(url).is_err(), "{url}");
        }
    }

    /// Tokens never show in Debug.
    #[test]
    fn secrets_hide() {
        let token = EngineToken::new("canary-secret").unwrap();
        assert!(!format!("{token:?}{:?}", UserIdKey([7; 32])).contains("canary"));
        assert!(EngineToken::new("a b").is_err() && EngineToken::new("").is_err());
    }
}
