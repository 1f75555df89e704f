//! A small HTTP client: one request at a time, with a limit on time and size, trusting the machine's certificate
//! authorities and one file more. It follows no redirect: a credential goes where it was sent, or nowhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// How long one request may take. A change that waits for gateways takes 10 s at most.
const ANSWER_SECONDS_MAX: u64 = 30;
/// An answer that is read, in bytes: a page of a list, or all API keys of a workspace.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The file of certificate authorities can't be used.
    #[error(
        "{path} holds no certificates that can be used: expected a file with BEGIN CERTIFICATE blocks (PEM)"
    )]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[source] rustls::Error),
    /// The request isn't one.
    #[error("this is no URL that can be asked")]
    Request(#[source] ::http::Error),
    /// No connection, or no answer.
    #[error("no answer came")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took too long.
    #[error("no answer came within {ANSWER_SECONDS_MAX} seconds")]
    Late,
    /// The answer is too large.
    #[error("the answer is larger than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
}

/// What came back, read whole.
#[derive(Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Sends requests.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl HttpClient {
    /// A client that trusts the machine's certificate authorities and those of a file.
    ///
    /// # Errors
    /// When the file can't be used.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, HttpError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(HttpError::Tls)?
            .with_root_certificates(roots(ca_file)?)
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, HttpError> {
        let answered =
            tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), self.answer(request)).await;
        answered.unwrap_or(Err(HttpError::Late))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<HttpAnswer, HttpError> {
        let response =
            self.client.request(request).await.map_err(|error| HttpError::Unreachable(Box::new(error)))?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(HttpError::TooLarge),
            Err(error) => return Err(HttpError::Unreachable(error)),
        };
        Ok(HttpAnswer { status: head.status, headers: head.headers, body })
    }

    /// Asks for a URL without a credential.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn get(&self, url: &str) -> Result<HttpAnswer, HttpError> {
        self.send(Request::get(url).body(Full::default()).map_err(HttpError::Request)?).await
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, HttpError> {
    let mut roots = RootCertStore::empty();
    // A machine without authorities of its own still reaches what the file vouches for, and plain HTTP.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(path) = ca_file else { return Ok(roots) };
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| HttpError::CaFile {
        path: path.to_owned(),
        source,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.collect::<Result<_, _>>())
        .map_err(|error| wrong(Box::new(error)))?;
    if certificates.is_empty() {
        return Err(wrong("it holds none".into()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| wrong(Box::new(error)))?;
    }
    Ok(roots)
}
