//! What the playground may do beyond other pages: speak with this instance's realtime endpoints, and use the microphone.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

use crate::{Endpoints, headers};

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// The realtime endpoints: the nearest region's, then each region's, each once.
pub(crate) fn realtime_urls(endpoints: &Endpoints) -> Vec<String> {
    let regions = endpoints.regions.iter().filter_map(|region| region.realtime_url.as_ref());
    let mut urls: Vec<String> = Vec::new();
    for url in endpoints.realtime_url.iter().chain(&endpoints.global_realtime_url).chain(regions) {
        if !urls.contains(url) {
            urls.push(url.clone());
        }
    }
    urls
}

/// Allows a page what the playground needs.
pub(crate) fn allow(response: &mut Response, endpoints: &Endpoints) {
    let urls: Vec<String> = realtime_urls(endpoints).into_iter().filter(|url| is_source(url)).collect();
    let policy = headers::policy_with_connections(&urls);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(PERMISSIONS, HeaderValue::from_static("microphone=(self)"));
}

/// Whether a policy can name this URL: nothing in it begins another source or another rule.
fn is_source(url: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_~[]%".contains(&byte);
    (url.starts_with("ws://") || url.starts_with("wss://")) && url.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page may speak with the realtime endpoints of this instance and with nothing else; a name can't widen the policy.
    #[test]
    fn connections_are_the_configured_ones() {
        let mut endpoints = Endpoints {
            management_url: "http://mp.example.org".to_owned(),
            batch_url: "http://eu1.example.org/v2".to_owned(),
            realtime_url: Some("wss://eu.rt.example.org/v2".to_owned()),
            global_realtime_url: Some("wss://global.rt.example.org/v2".to_owned()),
            regions: Vec::new(),
        };
        let policy = |endpoints: &Endpoints| {
            let mut response = Response::default();
            allow(&mut response, endpoints);
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
        };
        let right = "connect-src 'self' wss://eu.rt.example.org/v2 wss://global.rt.example.org/v2;";
        assert!(policy(&endpoints).contains(right), "{}", policy(&endpoints));
        assert!(!policy(&endpoints).contains("unsafe"));
        for evil in ["wss://a *", "wss://a; script-src *", "https://a", "*", "wss://a,b"] {
            endpoints.realtime_url = Some(evil.to_owned());
            let right = "connect-src 'self' wss://global.rt.example.org/v2;";
            assert!(policy(&endpoints).contains(right), "{}", policy(&endpoints));
        }
    }
}
