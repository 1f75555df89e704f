//! The gateway's answer to a client's upgrade (RFC 6455, section 4.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Reason, Refusal, RequestId};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, CONNECTION,
    CONTENT_LENGTH, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Response, StatusCode, Version};

use crate::{Body, answer};

/// What RFC 6455 appends to a key before hashing it.
const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The decoded key.
const KEY_BYTES: usize = 16;

/// A valid wish to speak WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upgrade {
    accept: String,
}

/// Checks a client's upgrade. Extensions that it offers are not taken up.
///
/// # Errors
/// When it is none: the sentence says what is missing.
pub(crate) fn check(version: Version, headers: &HeaderMap) -> Result<Upgrade, Refusal> {
    if version != Version::HTTP_11 {
        return Err(malformed("A WebSocket is opened by an HTTP/1.1 upgrade."));
    }
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(malformed(
            "This is a WebSocket endpoint. Open it with Connection: Upgrade and Upgrade: websocket.",
        ));
    }
    if single(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(malformed("Sec-WebSocket-Version must be 13."));
    }
    if headers.contains_key(TRANSFER_ENCODING)
        || single(headers, &CONTENT_LENGTH).is_some_and(|length| length != "0")
    {
        return Err(malformed("A WebSocket upgrade has no body."));
    }
    let key = single(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let Some(key) = key else {
        return Err(malformed("Sec-WebSocket-Key must be 16 bytes in base64."));
    };
    Ok(Upgrade { accept: accept(key) })
}

/// The `101`.
pub(crate) fn switch(upgrade: &Upgrade, request_id: RequestId) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    // Base64 is always a valid header value.
    if let Ok(accept) = HeaderValue::from_str(&upgrade.accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer::stamp(headers, request_id);
    headers.insert(HeaderName::from_static("proxy-request-id"), answer::request_id_value(request_id));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, PUT, POST, DELETE, PATCH, OPTIONS"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization,Request-Id",
        ),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The value that proves that a key was read as a WebSocket key.
pub(crate) fn accept(key: &str) -> String {
    BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{ACCEPT_SUFFIX}").as_bytes()))
}

/// Whether one of the comma-separated values of a header is this token, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// The value of a header that stands there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_key(key: &str) -> bool {
    BASE64.decode(key).is_ok_and(|bytes| bytes.len() == KEY_BYTES)
}

fn malformed(detail: &'static str) -> Refusal {
    Refusal::new(Reason::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        for (name, value) in changes {
            headers.remove(*name);
            for value in value.split('|').filter(|value| !value.is_empty()) {
                headers.append(*name, value.parse().unwrap());
            }
        }
        headers
    }

    /// The example of RFC 6455 is accepted with the answer that it names; so are the spellings of real clients.
    #[test]
    fn upgrades_of_real_clients() {
        let upgrade = check(Version::HTTP_11, &headers(&[])).unwrap();
        assert_eq!(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for changes in [
            &[("connection", "keep-alive, Upgrade")][..],
            &[("connection", "keep-alive|UPGRADE")],
            &[("upgrade", "WebSocket")],
            &[("upgrade", "h2c, websocket")],
            &[("content-length", "0")],
            &[("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")],
        ] {
            assert_eq!(check(Version::HTTP_11, &headers(changes)).as_ref(), Ok(&upgrade), "{changes:?}");
        }
        let response = switch(&upgrade, RequestId::from_u128(1));
        assert_eq!(response.status(), 101);
        assert!(!response.headers().contains_key("sec-websocket-extensions"), "nothing is negotiated");
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["request-id"], response.headers()["proxy-request-id"]);
    }

    /// Whatever is missing, doubled or of the wrong form is no upgrade.
    #[test]
    fn what_is_no_upgrade() {
        for changes in [
            &[("upgrade", "")][..],
            &[("upgrade", "h2c")],
            &[("connection", "")],
            &[("connection", "keep-alive")],
            &[("connection", "xupgrade")],
            &[("sec-websocket-version", "")],
            &[("sec-websocket-version", "8")],
            &[("sec-websocket-version", "13|13")],
            &[("sec-websocket-key", "")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZQ==")],
            &[("sec-websocket-key", "c2hvcnQ=")],
            &[("sec-websocket-key", "!!!!IHNhbXBsZSBub25jZQ==")],
            &[("content-length", "5")],
            &[("transfer-encoding", "chunked")],
        ] {
            let refusal = check(Version::HTTP_11, &headers(changes)).unwrap_err();
            assert_eq!(refusal.reason, Reason::MalformedRequest, "{changes:?}");
        }
        for version in [Version::HTTP_10, Version::HTTP_2] {
            assert!(check(version, &headers(&[])).is_err());
        }
    }
}
