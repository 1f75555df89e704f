//! What a form carries so that nobody else's page can send it: made from a cookie that other pages can't read.

use credentials::{PlainSecret, keyed_hash};
use http::HeaderMap;

use super::cookies;

/// Sets these hashes apart from every other hash of the same secret, such as the one that is stored.
const PURPOSE: &[u8; 32] = b"voxgate portal form token / v1  ";

/// The token of whoever holds this cookie, in 64 hexadecimal digits.
pub(crate) fn of(cookie: &PlainSecret) -> String {
    let hash = keyed_hash(PURPOSE, &[cookie.expose().as_bytes()]);
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The cookie that a browser's forms are tied to: its session's, or the one of visitors.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<PlainSecret> {
    cookies::read(headers, cookies::SESSION).or_else(|| cookies::read(headers, cookies::FORM))
}

/// Whether a token is the one of the browser that sent these headers.
pub(crate) fn is_right(headers: &HeaderMap, token: &str) -> bool {
    cookie(headers).is_some_and(|cookie| credentials::is_same(of(&cookie).as_bytes(), token.as_bytes()))
}
