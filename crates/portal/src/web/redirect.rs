//! Where to go next: never to another origin.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::notice::Notice;

/// A path of this portal, in bytes.
const PATH_BYTES_MAX: usize = 1024;

/// A path of this origin with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalPath(String);

impl LocalPath {
    /// Reads what a visitor brings along as the place to go to next. Whatever a browser might take for another origin is
    /// none: two slashes, backslashes, controls, a scheme.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_plain =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`');
        let is_local = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= PATH_BYTES_MAX
            && text.bytes().all(is_plain)
            && !text.split('?').next().unwrap_or_default().contains("//");
        is_local.then(|| Self(text.to_owned()))
    }

    /// The path.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Sends the browser on, with a GET.
pub(crate) fn see_other(path: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(path) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers =
        [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Sends the browser on, to a page that says once what was done.
pub(crate) fn see_other_with(path: &str, notice: Notice) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{joint}done={notice}"))
}

/// `path` with the place to go to afterwards, if there is one.
pub(crate) fn with_next(path: &str, next: Option<&LocalPath>) -> String {
    let Some(next) = next else { return path.to_owned() };
    let next: String = form_urlencoded::byte_serialize(next.as_str().as_bytes()).collect();
    format!("{path}?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that a browser could take for another origin is a place to go to; paths of the portal are.
    #[test]
    fn the_next_place_is_here() {
        for path in ["/", "/settings/api-keys", "/usage?since=2026-01-01&group_by=day", "/a?next=//b"] {
            assert!(LocalPath::parse(path).is_some(), "{path}");
        }
        for path in [
            "",
            "settings",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            " /",
            "/ü",
            "/..//evil.example",
            "///evil.example",
            "http:/x",
            "?next=/",
        ] {
            assert_eq!(LocalPath::parse(path), None, "{path:?}");
        }
    }
}
