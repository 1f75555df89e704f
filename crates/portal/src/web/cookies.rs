//! The portal's cookies. Both are `__Host-` cookies: only this host sets them, over a secure connection, for every path.

use credentials::PlainSecret;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Opens a session.
pub(crate) const SESSION: &str = "__Host-voxgate-session";
/// Ties the forms of visitors who aren't signed in to their browser.
pub(crate) const FORM: &str = "__Host-voxgate-form";
/// Longer values were not given out by the portal.
const VALUE_BYTES_MAX: usize = 64;

/// The value of a cookie, if it is there once and may be one of the portal's.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<PlainSecret> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    let value = values.next()?;
    let is_ours = !value.is_empty()
        && value.len() <= VALUE_BYTES_MAX
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_ours && values.next().is_none()).then(|| PlainSecret::new(value.to_owned()))
}

/// The header that sets a cookie for `seconds`.
pub(crate) fn set(name: &str, value: &PlainSecret, seconds: i64) -> (HeaderName, HeaderValue) {
    cookie(name, value.expose(), seconds)
}

/// The header that takes a cookie away.
pub(crate) fn clear(name: &str) -> (HeaderName, HeaderValue) {
    cookie(name, "", 0)
}

fn cookie(name: &str, value: &str, seconds: i64) -> (HeaderName, HeaderValue) {
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    (header::SET_COOKIE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        headers
    }

    /// A cookie is read where it is there once; twice, foreign or endless, there is none.
    #[test]
    fn a_cookie_is_read_once() {
        let read = |cookies: &[&'static str]| {
            read(&headers(cookies), SESSION).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(read(&["a=b; __Host-voxgate-session=abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["a=b", "__Host-voxgate-session=abc"]).as_deref(), Some("abc"));
        for refused in [
            &["__Host-voxgate-session=abc; __Host-voxgate-session=abd"][..],
            &["__Host-voxgate-session=abc", "__Host-voxgate-session=abc"],
            &["__host-voxgate-session=abc"],
            &["__Host-voxgate-session="],
            &["__Host-voxgate-session=\"abc\""],
            &["__Host-voxgate-session=abc%00"],
            &["__Host-voxgate-session=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        ] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }

    /// No script and no plain connection ever sees a cookie, and no other host can set it.
    #[test]
    fn cookies_are_kept_close() {
        for (_, value) in [set(SESSION, &PlainSecret::new("abc".to_owned()), 60), clear(FORM)] {
            let text = value.to_str().unwrap();
            for part in ["__Host-", "; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(text.contains(part), "{part} in {text}");
            }
            assert!(!text.contains("Domain"));
        }
    }
}
