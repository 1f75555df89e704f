//! The HTTP client that speaks with other providers: over TLS alone, save on this machine; no redirects are followed, nothing is
//! waited for long, and no answer is large.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::core::CoreProviderMetadata;
use openidconnect::{AsyncHttpClient, DiscoveryError, IssuerUrl};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;
use url::{Host, Url};

/// An answer of a provider, in bytes.
pub const PROVIDER_ANSWER_BYTES_MAX: usize = 512 * 1024;
/// How long a provider may take for an answer, in seconds.
pub const PROVIDER_SECONDS_MAX: u64 = 10;
/// Requests to providers that are on their way at once.
pub const PROVIDER_REQUESTS_MAX: usize = 16;

/// Why a provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProviderHttpError {
    /// The address isn't one that is asked.
    #[error("{0} is not asked: expected an https:// address")]
    Address(String),
    /// It took too long.
    #[error("no answer within {PROVIDER_SECONDS_MAX} seconds")]
    Late,
    /// The answer is too large.
    #[error("the answer is larger than {PROVIDER_ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    /// No connection, or it broke.
    #[error("no connection")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// TLS can't be spoken.
    #[error("TLS is not available")]
    Tls(#[from] rustls::Error),
}

/// The client.
#[derive(Clone)]
pub(crate) struct ProviderHttp {
    client: Arc<OnceLock<HttpsClient>>,
    slots: Arc<Semaphore>,
}

type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

impl std::fmt::Debug for ProviderHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderHttp")
    }
}

/// Whether a provider may be at this address: over TLS, or on this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

/// Whether a provider may be at this address: over TLS, or on this machine.
pub fn is_provider_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_safe(&url))
}

impl Default for ProviderHttp {
    fn default() -> Self {
        Self { client: Arc::default(), slots: Arc::new(Semaphore::new(PROVIDER_REQUESTS_MAX)) }
    }
}

fn connect() -> Result<HttpsClient, ProviderHttpError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(2).build(connector))
}

impl ProviderHttp {
    /// The client, made when it is needed first: most instances have no provider.
    fn client(&self) -> Result<&HttpsClient, ProviderHttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = connect()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Sends a request and reads the answer whole.
    pub(crate) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, ProviderHttpError> {
        let address = request.uri().to_string();
        if !Url::parse(&address).is_ok_and(|url| is_safe(&url)) {
            return Err(ProviderHttpError::Address(address));
        }
        let answered =
            tokio::time::timeout(Duration::from_secs(PROVIDER_SECONDS_MAX), self.answer(request)).await;
        answered.unwrap_or(Err(ProviderHttpError::Late))
    }

    /// What an issuer says of itself, and its keys.
    pub(crate) fn discover(&self, issuer: IssuerUrl) -> Discovery<'_> {
        Box::pin(CoreProviderMetadata::discover_async(issuer, self))
    }

    async fn answer(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ProviderHttpError> {
        let unreachable = |source| ProviderHttpError::Unreachable(source);
        let _slot = self.slots.acquire().await.map_err(|error| unreachable(Box::new(error)))?;
        let request = request.map(|body| Full::new(Bytes::from(body)));
        let response = self.client()?.request(request).await.map_err(|error| unreachable(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, PROVIDER_ANSWER_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(ProviderHttpError::TooLarge),
            Err(error) => return Err(unreachable(error)),
        };
        Ok(Response::from_parts(head, body.to_vec()))
    }
}

/// A look-up on its way.
type Discovery<'a> = Pin<
    Box<dyn Future<Output = Result<CoreProviderMetadata, DiscoveryError<ProviderHttpError>>> + Send + 'a>,
>;

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = ProviderHttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, ProviderHttpError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider is spoken with over TLS, or on this machine; nothing else is asked, and no password stands in an address.
    #[test]
    fn only_safe_addresses_are_asked() {
        for (address, is_asked) in [
            ("https://accounts.example.org/token", true),
            ("http://localhost:9000/token", true),
            ("http://127.0.0.1:9000/token", true),
            ("http://[::1]:9000/token", true),
            ("http://accounts.example.org/token", false),
            ("http://localhost.example.org/token", false),
            ("http://127.0.0.1.example.org/token", false),
            ("http://169.254.169.254/", false),
            ("https://user:password@accounts.example.org/token", false),
            ("ftp://accounts.example.org/token", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_safe(&Url::parse(address).unwrap()), is_asked, "{address}");
        }
    }
}
