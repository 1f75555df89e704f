//! Paths. A path is matched as it was sent, byte for byte: nothing is decoded, merged or shortened, so what is decided about is
//! what the engine gets.

use crate::limits::{JOB_ID_BYTES_MAX, VOICE_BYTES_MAX};

/// What a request of the Jobs API is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/v2/jobs`.
    Jobs,
    /// `/v2/jobs/{id}`.
    Job(&'a str),
    /// `/v2/jobs/{id}/transcript`.
    Transcript(&'a str),
    /// `/v2/jobs/{id}/log`.
    Log(&'a str),
    /// `/v2/jobs/{id}/data`.
    Data(&'a str),
    /// `/v2/usage`.
    Usage,
    /// `/v1/discovery/features`.
    Features,
    /// `/generate/{voice}`.
    Generate(&'a str),
}

/// A spelling that an engine could take for another path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path must be plain: no escapes of slashes, dots or NUL, no empty or dot segments, no semicolons or backslashes"
)]
pub struct BadPath;

/// The route of a path, if it is one of the Jobs API, with or without a final slash.
pub fn route(path: &str) -> Option<Route<'_>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if let Some(rest) = path.strip_prefix("/v2/jobs") {
        return if rest.is_empty() { Some(Route::Jobs) } else { job_route(rest.strip_prefix('/')?) };
    }
    match path {
        "/v2/usage" => Some(Route::Usage),
        "/v1/discovery/features" => Some(Route::Features),
        _ => {
            let voice = path.strip_prefix("/generate/")?;
            is_name(voice, VOICE_BYTES_MAX).then_some(Route::Generate(voice))
        }
    }
}

fn job_route(rest: &str) -> Option<Route<'_>> {
    let (id, tail) = match rest.split_once('/') {
        Some((id, tail)) => (id, Some(tail)),
        None => (rest, None),
    };
    if !is_name(id, JOB_ID_BYTES_MAX) {
        return None;
    }
    match tail {
        None => Some(Route::Job(id)),
        Some("transcript") => Some(Route::Transcript(id)),
        Some("log") => Some(Route::Log(id)),
        Some("data") => Some(Route::Data(id)),
        Some(_) => None,
    }
}

/// Whether a text can be a job's id or a voice: nothing in it means anything in a path.
pub(crate) fn is_name(text: &str, bytes_max: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(plain)
}

/// Refuses spellings that parsers read in different ways. What remains may still be unknown.
///
/// # Errors
/// When the path is not plain.
pub fn is_plain_path(path: &str) -> Result<(), BadPath> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') && path != "*" {
        return Err(BadPath);
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b';');
    if !bytes.iter().all(|byte| plain(*byte)) || path.contains("//") {
        return Err(BadPath);
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(BadPath);
    }
    if !bytes.contains(&b'%') {
        return Ok(());
    }
    escapes_are_plain(bytes)
}

/// Escapes of what a path is made of, and broken ones, are refused.
fn escapes_are_plain(bytes: &[u8]) -> Result<(), BadPath> {
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%') {
        let digit = |offset: usize| {
            bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16)).ok_or(BadPath)
        };
        let escaped = digit(1)? * 16 + digit(2)?;
        let escaped = u8::try_from(escaped).map_err(|_| BadPath)?;
        if escaped <= b' ' || matches!(escaped, b'/' | b'\\' | b'.' | b'%' | b';' | b'?' | b'#' | 0x7f) {
            return Err(BadPath);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: &[(&str, Route<'static>)] = &[
        ("/v2/jobs", Route::Jobs),
        ("/v2/jobs/a1b2c3d4e5", Route::Job("a1b2c3d4e5")),
        ("/v2/jobs/084d1f86-9fe9-11e8-9c91-00155d019c0b", Route::Job("084d1f86-9fe9-11e8-9c91-00155d019c0b")),
        ("/v2/jobs/a_b/transcript", Route::Transcript("a_b")),
        ("/v2/jobs/a/log", Route::Log("a")),
        ("/v2/jobs/a/data", Route::Data("a")),
        ("/v2/usage", Route::Usage),
        ("/v1/discovery/features", Route::Features),
        ("/generate/sarah", Route::Generate("sarah")),
    ];

    fn write(route: Route<'_>) -> String {
        match route {
            Route::Jobs => String::from("/v2/jobs"),
            Route::Job(id) => format!("/v2/jobs/{id}"),
            Route::Transcript(id) => format!("/v2/jobs/{id}/transcript"),
            Route::Log(id) => format!("/v2/jobs/{id}/log"),
            Route::Data(id) => format!("/v2/jobs/{id}/data"),
            Route::Usage => String::from("/v2/usage"),
            Route::Features => String::from("/v1/discovery/features"),
            Route::Generate(voice) => format!("/generate/{voice}"),
        }
    }

    /// Every route is found with and without a final slash, and is plain.
    #[test]
    fn known_paths() {
        for (path, expected) in KNOWN {
            for path in [(*path).to_owned(), format!("{path}/")] {
                assert_eq!(route(&path), Some(*expected), "{path}");
                assert_eq!(is_plain_path(&path), Ok(()), "{path}");
            }
        }
        let longest = "a".repeat(JOB_ID_BYTES_MAX);
        assert_eq!(route(&format!("/v2/jobs/{longest}")), Some(Route::Job(&longest)));
        assert_eq!(route(&format!("/v2/jobs/{longest}a")), None);
        let longest = "a".repeat(VOICE_BYTES_MAX);
        assert_eq!(route(&format!("/generate/{longest}")), Some(Route::Generate(&longest)));
        assert_eq!(route(&format!("/generate/{longest}a")), None);
    }

    /// Spellings that some parser would take for a route are no routes here.
    #[test]
    fn other_spellings_are_unknown() {
        for path in [
            "",
            "/",
            "*",
            "/v2",
            "/v2/",
            "/V2/jobs",
            "/v2/Jobs",
            "/v2/jobs//",
            "//v2/jobs",
            "/v2//jobs",
            "/v2/./jobs",
            "/v2/jobs/.",
            "/v2/jobs/..",
            "/v2/jobs/a/..",
            "/v2/jobs/a.b",
            "/v2/jobs/a%2fb",
            "/v2/jobs/%61",
            "/v2/jobs;x",
            "/v2/jobs/a;x",
            "/v2/jobs/a/transcript/x",
            "/v2/jobs/a/transcript//",
            "/v2/jobs/a/object-urls",
            "/v2/jobsx",
            "/v2/jobs/a\\b",
            "/v2/jobs/é",
            "/v2/jobs/a b",
            "/v2/usage/x",
            "/generate/",
            "/generate",
            "/generate/a/b",
            "v2/jobs",
            "/v2/jobs\0",
            "/v2/jobs/a\n",
            "/v2/jobs/a+b",
            "/v2/jobs/a:b",
            "/v2/jobs/a@b",
            "/v2/jobs/a%00",
        ] {
            assert_eq!(route(path), None, "{path:?}");
        }
    }

    /// Ambiguous spellings are refused whatever they would lead to; ordinary paths are not.
    #[test]
    fn ambiguous_spellings_are_refused() {
        for path in [
            "/v2/jobs/a%2Fb",
            "/v2/jobs/a%2fb",
            "/a%5C",
            "/a%5cb",
            "/a%00",
            "/%2e%2e/x",
            "/a/%2E",
            "/a//b",
            "//a",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "/a;b",
            "/a\\b",
            "/é",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%252f",
            "/a b",
            "",
            "a",
            "/a%0a",
            "/a%3b",
            "/a%23",
            "/a%20",
            "/a%1f",
            "/a%3F",
            "/a%7f",
            "/%41%2f",
        ] {
            assert_eq!(is_plain_path(path), Err(BadPath), "{path:?}");
        }
        for path in
            ["/", "*", "/a", "/a/", "/a.b", "/a/...", "/a/.b", "/%41", "/%21%7e", "/caf%C3%A9", "/a:b@c,d"]
        {
            assert_eq!(is_plain_path(path), Ok(()), "{path:?}");
        }
    }

    /// A path as a lenient server reads it: decoded until nothing changes, slashes merged, dots resolved, parameters cut.
    fn lenient(path: &str) -> String {
        let mut text = path.replace('\\', "/");
        for _ in 0..4 {
            let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
            text = decoded.replace('\\', "/");
        }
        let mut segments: Vec<&str> = Vec::new();
        for segment in text.split('/') {
            match segment.split(';').next().unwrap_or("") {
                "" | "." => {}
                ".." => drop(segments.pop()),
                plain => segments.push(plain),
            }
        }
        format!("/{}", segments.join("/"))
    }

    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "/",
            "//",
            "/./",
            "/../",
            "v2",
            "v1",
            "jobs",
            "usage",
            "a1",
            "b2",
            "transcript",
            "log",
            "data",
            "generate",
            "%2f",
            "%2F",
            "%5c",
            "\\",
            "%2e",
            ".",
            "..",
            ";",
            ";x=y",
            "%00",
            "%25",
            "%252f",
            "%61",
            "discovery",
            "features",
            "é",
            "%c0%af",
            "?",
            "#",
            " ",
            "\t",
            "%0a",
            "V2",
            "JOBS",
            "+",
            ":",
            "@",
            "*",
        ])
    }

    proptest! {
        /// Whatever the spelling: a path with a route is read by every server as the very resource of that route.
        #[test]
        fn a_route_is_the_resource_that_any_server_reads(pieces in prop::collection::vec(piece(), 0..9)) {
            let path = pieces.concat();
            if let Some(found) = route(&path) {
                prop_assert_eq!(is_plain_path(&path), Ok(()));
                prop_assert_eq!(write(found), lenient(&path));
                prop_assert_eq!(write(found), path.strip_suffix('/').unwrap_or(&path));
            }
        }

        /// No text makes the matching panic.
        #[test]
        fn any_text_is_survived(path in ".{0,80}") {
            let _ = (route(&path), is_plain_path(&path));
        }
    }
}
