//! The HTTP client that webhooks are called with. Whoever sets a webhook chooses where this server connects to, so: TLS alone,
//! addresses of the public internet alone, checked when they are resolved and connected to as they were checked; no redirects;
//! little time, and little is read of the answer. What an operator allows besides is a [`WebhookReach`].

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use ipnet::IpNet;
use rustls::{ClientConfig, RootCertStore};
use url::{Host, Url};

/// How long one try may take, from the name to the end of the answer, in seconds.
pub const WEBHOOK_SECONDS_MAX: u64 = 15;
/// What is read of an answer, in bytes.
pub const WEBHOOK_ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The address of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2048;

/// Where webhooks may be: by default on the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookReach {
    /// The only hosts that are called, in small letters, wherever they lead; without a list, every host.
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks whose addresses are called over https, though they aren't of the public internet.
    pub allowed_networks: Vec<IpNet>,
    /// Whether this machine is called, and without TLS there.
    pub loopback: bool,
}

impl WebhookReach {
    /// Whether an address may be connected to.
    fn covers(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self.loopback && address.is_loopback()
            || self.allowed_networks.iter().any(|network| network.contains(&address))
    }

    /// Whether a host may be called by this name, or by this address as it is written.
    fn names(&self, host: &str) -> bool {
        self.allowed_hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|allowed| allowed == host))
    }
}

type HttpsClient = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Why a webhook was not reached. Says nothing about what else is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The address isn't one that is called.
    #[error(
        "the address is not called: expected https:// and a host on the public internet, or in a network that this instance allows, and one that it names if it names any"
    )]
    Address,
    /// It took too long.
    #[error("no answer within {WEBHOOK_SECONDS_MAX} seconds")]
    Late,
    /// No connection, or it broke.
    #[error("no connection could be made, or it broke off")]
    Unreachable,
    /// TLS can't be spoken.
    #[error("TLS is not available")]
    Tls,
}

/// The client.
#[derive(Debug)]
pub(crate) struct WebhookClient {
    reach: Arc<WebhookReach>,
    client: OnceLock<HttpsClient>,
}

/// The address that a text names, in its one spelling, if a webhook may be there as far as the address alone tells.
pub(crate) fn allowed(text: &str, reach: &WebhookReach) -> Option<Url> {
    if text.len() > WEBHOOK_URL_BYTES_MAX {
        return None;
    }
    // The one spelling has a path, `/` where none was written.
    Url::parse(text)
        .ok()
        .filter(|url| url.as_str().len() <= WEBHOOK_URL_BYTES_MAX + 1 && may_be_called(url, reach))
}

fn may_be_called(url: &Url, reach: &WebhookReach) -> bool {
    if !url.username().is_empty()
        || url.password().is_some()
        || url.fragment().is_some()
        || !url.host_str().is_some_and(|host| reach.names(host))
    {
        return false;
    }
    const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let (is_loopback, is_covered) = match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            (true, LOOPBACK.iter().any(|address| reach.covers(*address)))
        }
        // Where it leads is looked at when it is connected to.
        Some(Host::Domain(_)) => (false, true),
        Some(Host::Ipv4(address)) => (address.is_loopback(), reach.covers(address.into())),
        Some(Host::Ipv6(address)) => (address.is_loopback(), reach.covers(address.into())),
        None => (false, false),
    };
    match url.scheme() {
        "https" => is_covered,
        "http" => is_loopback && reach.loopback,
        _ => false,
    }
}

/// Whether an address is one of the public internet, of those that are given out.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !is_special
}

/// Only what is given out to networks, without documentation, and without what leads to an IPv4 address that isn't looked at.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_given_out = a & 0xe000 == 0x2000;
    let is_special = matches!((a, b), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff));
    is_given_out && !is_special
}

/// Resolves names, and gives only addresses that may be called.
#[derive(Debug, Clone)]
struct Resolver {
    reach: Arc<WebhookReach>,
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = Arc::clone(&self.reach);
        Box::pin(async move {
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = resolved.filter(|address| reach.covers(address.ip())).collect();
            if allowed.is_empty() {
                return Err(std::io::Error::other("the name has no address that may be called"));
            }
            Ok(allowed.into_iter())
        })
    }
}

impl WebhookClient {
    pub(crate) fn new(reach: WebhookReach) -> Self {
        Self { reach: Arc::new(reach), client: OnceLock::new() }
    }

    /// The address that a text names, in its one spelling, if a webhook may be there.
    pub(crate) fn allowed(&self, url: &str) -> Option<Url> {
        allowed(url, &self.reach)
    }

    /// Sends a request; gives the status of the answer.
    pub(crate) async fn send(&self, request: Request<String>) -> Result<u16, CallError> {
        let url = Url::parse(&request.uri().to_string());
        if !url.is_ok_and(|url| may_be_called(&url, &self.reach)) {
            return Err(CallError::Address);
        }
        let answered = tokio::time::timeout(Duration::from_secs(WEBHOOK_SECONDS_MAX), self.answer(request));
        answered.await.unwrap_or(Err(CallError::Late))
    }

    async fn answer(&self, request: Request<String>) -> Result<u16, CallError> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let sent = self.client()?.request(request).await;
        let response: Response<_> = sent.map_err(|_| CallError::Unreachable)?;
        let status = response.status().as_u16();
        // What it says beside the status is nobody's business; a long answer is cut off.
        drop(Limited::new(response.into_body(), WEBHOOK_ANSWER_BYTES_MAX).collect().await);
        Ok(status)
    }

    /// The client, made when it is needed first: most instances have no webhook.
    fn client(&self) -> Result<&HttpsClient, CallError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = connect(&self.reach).map_err(|_| CallError::Tls)?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn connect(reach: &Arc<WebhookReach>) -> Result<HttpsClient, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut connector = HttpConnector::new_with_resolver(Resolver { reach: Arc::clone(reach) });
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    // No connection is kept: each try resolves the name anew.
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> WebhookReach {
        WebhookReach { loopback: true, ..WebhookReach::default() }
    }

    fn is_allowed(text: &str, reach: &WebhookReach) -> bool {
        allowed(text, reach).is_some()
    }

    /// An address has one spelling, which is the one that is stored, shown and called, however it was written.
    #[test]
    fn addresses_have_one_spelling() {
        for (written, meant) in [
            ("https://example.org/hook?a=b", "https://example.org/hook?a=b"),
            (" https://EXAMPLE.org:443\\a/../b\t\n", "https://example.org/b"),
            ("https://b\u{fc}cher.example/\0\u{fc}", "https://xn--bcher-kva.example/%00%C3%BC"),
        ] {
            assert_eq!(allowed(written, &WebhookReach::default()).unwrap().as_str(), meant);
        }
        let long = format!("https://example.org/{}", "\u{fc}".repeat(WEBHOOK_URL_BYTES_MAX / 4));
        assert!(!is_allowed(&long, &WebhookReach::default()), "it is too long as it is stored");
    }

    /// The longest address is taken with and without a path, and none that is longer.
    #[test]
    fn the_longest_address_is_taken() {
        let without_path =
            |bytes| format!("https://{}.example", "a".repeat(bytes - "https://.example".len()));
        let with_path =
            |bytes| format!("https://example.org/{}", "a".repeat(bytes - "https://example.org/".len()));
        for (taken, refused) in [
            (without_path(WEBHOOK_URL_BYTES_MAX), without_path(WEBHOOK_URL_BYTES_MAX + 1)),
            (with_path(WEBHOOK_URL_BYTES_MAX), with_path(WEBHOOK_URL_BYTES_MAX + 1)),
        ] {
            assert!(is_allowed(&taken, &WebhookReach::default()), "{taken}");
            assert!(!is_allowed(&refused, &WebhookReach::default()), "{refused}");
        }
    }

    /// Only https, and only hosts that may be on the public internet; this machine where it is configured, and nothing else then.
    #[test]
    fn addresses_are_those_of_the_internet() {
        let (internet, machine) = (WebhookReach::default(), machine());
        for good in ["https://example.org/hook?a=b", "https://93.184.215.14:8443/", "https://[2606:2800::1]/"]
        {
            assert!(is_allowed(good, &internet) && is_allowed(good, &machine), "{good}");
        }
        for local in
            ["http://localhost:9/", "http://127.0.0.1:9/hook", "https://127.9.9.9/", "http://[::1]:9/"]
        {
            assert!(!is_allowed(local, &internet) && is_allowed(local, &machine), "{local}");
        }
        for wrong in [
            "",
            "hook",
            "http://example.org/",
            "ftp://example.org/",
            "https://",
            "https://user@example.org/",
            "https://:pass@example.org/",
            "https://example.org/#x",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://169.254.169.254/",
            "https://0.0.0.0/",
            "https://100.64.0.1/",
            "https://0x7f.1.1.1.1/",
            "https://3232235777/",
            "https://[fe80::1]/",
            "https://[fc00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[2002:a00:1::]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2001:db8::1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
        ] {
            assert!(!is_allowed(wrong, &internet) && !is_allowed(wrong, &machine), "{wrong}");
        }
        for near in ["https://172.32.0.1/", "https://100.128.0.1/"] {
            assert!(is_allowed(near, &internet), "{near}");
        }
    }

    /// A name that leads to this machine or to a private network is not called, whatever it is called itself.
    #[tokio::test]
    async fn names_are_checked_where_they_lead() {
        let client = WebhookClient::new(WebhookReach::default());
        let request = |url: &str| Request::post(url).body(String::new()).unwrap();
        assert_eq!(client.send(request("https://localhost:1/")).await, Err(CallError::Address));
        assert_eq!(client.send(request("https://10.0.0.1:1/")).await, Err(CallError::Address));
        let mut resolver = Resolver { reach: Arc::default() };
        let resolve = |name: &str| name.parse::<Name>().unwrap();
        assert!(tower::Service::call(&mut resolver, resolve("localhost")).await.is_err());
        let mut resolver = Resolver { reach: Arc::new(machine()) };
        assert!(tower::Service::call(&mut resolver, resolve("localhost")).await.is_ok());
    }

    /// Where an operator names hosts, nothing else is called: no other name, not even one below it, and no address.
    #[test]
    fn only_named_hosts_are_called() {
        let of = |hosts: &[&str]| WebhookReach {
            allowed_hosts: Some(hosts.iter().map(|host| (*host).to_owned()).collect()),
            ..machine()
        };
        let named = of(&["hooks.example.org", "127.0.0.1"]);
        for good in ["https://hooks.example.org/a", "https://HOOKS.example.org:8443/", "http://127.0.0.1:9/"]
        {
            assert!(is_allowed(good, &named), "{good}");
        }
        for wrong in [
            "http://hooks.example.org/",
            "https://hooks.example.org./",
            "https://a.hooks.example.org/",
            "https://hooks.example.org.evil.example/",
            "https://hooks.example.org@evil.example/",
            "https://example.org/",
            "https://93.184.215.14/",
            "http://localhost:9/",
        ] {
            assert!(!is_allowed(wrong, &named), "{wrong}");
            assert!(!is_allowed(wrong, &of(&[])), "{wrong}");
        }
        assert!(!is_allowed("https://hooks.example.org/", &of(&[])), "no host is named");
        assert!(is_allowed("https://example.org/", &machine()), "every host may be called");
    }

    /// What an operator allows is called over https, by address and by what a name leads to; what isn't in those networks is
    /// refused as before.
    #[tokio::test]
    async fn allowed_networks_are_called() {
        let of = |networks: &[&str]| WebhookReach {
            allowed_networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            ..WebhookReach::default()
        };
        let inner = of(&["10.0.0.0/8", "fd00:1::/32"]);
        for good in ["https://10.1.2.3/hook", "https://[fd00:1::7]:8443/", "https://[::ffff:10.0.0.1]/"] {
            assert!(is_allowed(good, &inner), "{good}");
        }
        for wrong in [
            "http://10.1.2.3/hook",
            "https://11.0.0.1.localhost/",
            "https://192.168.1.1/",
            "https://127.0.0.1/",
            "https://localhost/",
            "https://[fd00:2::7]/",
            "https://169.254.169.254/",
        ] {
            assert!(!is_allowed(wrong, &inner), "{wrong}");
        }
        let resolves = async |reach: WebhookReach| {
            let mut resolver = Resolver { reach: Arc::new(reach) };
            tower::Service::call(&mut resolver, "localhost".parse::<Name>().unwrap()).await.is_ok()
        };
        let own = of(&["127.0.0.0/8", "::1/128"]);
        assert!(is_allowed("https://localhost/", &own) && !is_allowed("http://localhost/", &own));
        assert!(resolves(own).await);
        assert!(!resolves(inner).await, "the name leads out of the allowed networks");
    }
}
