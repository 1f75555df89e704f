//! The WebSocket handshake.

use super::connection::Door;
use super::reply::{self, Body, ErrorName, Refusal};
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Characters of a WebSocket key: 16 bytes in base64.
const KEY_CHARACTERS: usize = 24;

/// Accepts the upgrade of a request to a realtime path.
pub(crate) fn open(door: &Door, mut request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let accept = check(request.headers())?;
    door.open(hyper::upgrade::on(&mut request));
    let mut response = reply::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

fn check(headers: &HeaderMap) -> Result<HeaderValue, Refusal> {
    let bad = |detail| Refusal::new(400, ErrorName::BadRequest, detail);
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(bad("this path is for WebSockets: expected an upgrade"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(bad("expected Sec-WebSocket-Version: 13"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_CHARACTERS);
    let key = key.ok_or_else(|| bad("expected a Sec-WebSocket-Key of 16 bytes in base64"))?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| bad("the Sec-WebSocket-Key can't be used"))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(version: &'static str, key: &'static str, connection: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (UPGRADE, HeaderValue::from_static("WebSocket")),
            (CONNECTION, HeaderValue::from_static(connection)),
            (SEC_WEBSOCKET_VERSION, HeaderValue::from_static(version)),
            (SEC_WEBSOCKET_KEY, HeaderValue::from_static(key)),
        ])
    }

    /// A handshake is accepted with the key that the standard gives as its example; what is wrong with one is said.
    #[test]
    fn handshakes_are_checked() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let accept = check(&headers("13", key, "keep-alive, Upgrade")).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (headers, detail) in [
            (headers("8", key, "upgrade"), "Sec-WebSocket-Version"),
            (headers("13", "short", "upgrade"), "Sec-WebSocket-Key"),
            (headers("13", key, "keep-alive"), "expected an upgrade"),
        ] {
            assert!(check(&headers).unwrap_err().detail.contains(detail));
        }
    }
}
