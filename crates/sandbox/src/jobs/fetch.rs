//! Fetching a job's audio from a URL.

use super::config::FetchConfig;
use crate::config::SandboxError;
use crate::limits::{FETCH_REDIRECTS_MAX, FETCH_SECONDS_MAX, UPLOAD_BYTES_MAX};
use bytes::Bytes;
use http::header::{HeaderMap, LOCATION, USER_AGENT};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::path::Path;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Why audio could not be fetched. Safe to show: no URL, no header in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("Audio fetch error, http status {0}")]
    Status(u16),
    #[error("Audio fetch error, the server could not be reached: {0}")]
    Connect(String),
    #[error("Audio fetch error, the answer broke off: {0}")]
    Broken(String),
    #[error("Audio fetch error, the file is larger than {UPLOAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("Audio fetch error, it took longer than {FETCH_SECONDS_MAX} seconds")]
    TooSlow,
    #[error("Audio fetch error, more than {FETCH_REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("Audio fetch error, the redirect leads to no http or https URL")]
    Redirect,
    #[error("Audio fetch error, the file can't be written: {0}")]
    Disk(#[from] std::io::Error),
}

/// Fetches over http and https.
#[derive(Debug)]
pub(crate) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Fetcher {
    pub(crate) fn new() -> Result<Fetcher, SandboxError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|error| SandboxError::Tls(error.to_string()))?
            .https_or_http()
            .enable_http1()
            .build();
        // Every job has another server: nothing is kept open.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Fetcher { client })
    }

    /// Writes what the URL gives to a file.
    pub(crate) async fn fetch(&self, config: &FetchConfig, target: &Path) -> Result<(), FetchError> {
        let limit = Duration::from_secs(FETCH_SECONDS_MAX);
        tokio::time::timeout(limit, self.fetch_all(config, target)).await.map_err(|_| FetchError::TooSlow)?
    }

    async fn fetch_all(&self, config: &FetchConfig, target: &Path) -> Result<(), FetchError> {
        let mut url = config.url.clone();
        for _ in 0..=FETCH_REDIRECTS_MAX {
            // Credentials stay with the server that they were given for.
            let trusted = url.scheme() == config.url.scheme() && url.authority() == config.url.authority();
            let response = self.request(&url, trusted.then_some(config)).await?;
            let status = response.status();
            if status.is_success() {
                return save(response.into_body(), target).await;
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Err(FetchError::Status(status.as_u16()));
            }
            url = redirected(&url, response.headers()).ok_or(FetchError::Redirect)?;
        }
        Err(FetchError::Redirects)
    }

    async fn request(
        &self,
        url: &Uri,
        config: Option<&FetchConfig>,
    ) -> Result<Response<Incoming>, FetchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(crate::version::VERSION));
        for (name, value) in config.into_iter().flat_map(|config| &config.headers) {
            headers.append(name, value.clone());
        }
        self.client.request(request).await.map_err(|error| FetchError::Connect(root_cause(&error)))
    }
}

async fn save(mut body: Incoming, target: &Path) -> Result<(), FetchError> {
    let mut file = File::create(target).await?;
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Broken(root_cause(&error)))?;
        let Ok(bytes) = frame.into_data() else { continue };
        total += bytes.len() as u64;
        if total > UPLOAD_BYTES_MAX {
            return Err(FetchError::TooLarge);
        }
        file.write_all(&bytes).await?;
    }
    file.flush().await?;
    Ok(())
}

/// Where a redirect leads: a whole URL or a path on the same server.
fn redirected(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let location: Uri = headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    if location.scheme().is_some() {
        let known = matches!(location.scheme_str(), Some("http" | "https")) && location.authority().is_some();
        return known.then_some(location);
    }
    let mut parts = from.clone().into_parts();
    let path = location.path_and_query().filter(|path| path.as_str().starts_with('/'))?;
    parts.path_and_query = Some(PathAndQuery::clone(path));
    Uri::from_parts(parts).ok()
}

/// The innermost reason: the outer ones only say that a request failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Redirects lead to whole URLs and to paths, and nowhere but to the web.
    #[test]
    fn redirects_stay_on_the_web() {
        let from: Uri = "http://example.org/a/b?c".parse().unwrap();
        let to = |location: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())]);
            redirected(&from, &headers).map(|uri| uri.to_string())
        };
        assert_eq!(to("https://other.org/x").as_deref(), Some("https://other.org/x"));
        assert_eq!(to("/x?y").as_deref(), Some("http://example.org/x?y"));
        for wrong in ["file:///etc/passwd", "ftp://example.org/", "relative", ""] {
            assert_eq!(to(wrong), None, "{wrong}");
        }
    }
}
