//! Which paths are realtime, and for which product.

use domain::Product;

/// A segment that clients may choose: a language or a profile.
const SEGMENT_BYTES_MAX: usize = 64;
/// What stands where a language could, and is none.
const AGENT: &str = "agent";
/// Names under `/v2` that belong to the Jobs API.
const JOBS_API: [&str; 2] = ["jobs", "usage"];

/// Whether the path belongs to realtime.
pub fn is_realtime(path: &str) -> bool {
    product(path).is_some()
}

/// The product that the path stands for: `/v2`, `/v2/<language>`, `/v2/agent[/<profile>]`, `/v1/flow`, each with or
/// without a final slash. Plain characters only: what could be read in two ways is no path of ours.
pub(crate) fn product(path: &str) -> Option<Product> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path == "/v1/flow" {
        return Some(Product::Flow);
    }
    let mut segments = path.strip_prefix("/v2")?.split('/');
    if segments.next() != Some("") {
        return None;
    }
    match (segments.next(), segments.next(), segments.next()) {
        (None, _, _) => Some(Product::Rt),
        (Some(AGENT), Some(profile), None) if is_plain(profile) => Some(Product::Rt),
        (Some(language), None, _) if is_plain(language) && !JOBS_API.contains(&language) => Some(Product::Rt),
        _ => None,
    }
}

/// The language that a realtime path names, if it names one.
pub(crate) fn language(path: &str) -> Option<&str> {
    let language = path.strip_suffix('/').unwrap_or(path).strip_prefix("/v2/")?;
    (language != AGENT && !language.contains('/')).then_some(language)
}

fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.');
    (1..=SEGMENT_BYTES_MAX).contains(&segment.len())
        && segment.bytes().all(plain)
        && segment.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths that clients use are found, each with and without a final slash; no other spelling is.
    #[test]
    fn paths() {
        for path in [
            "/v2",
            "/v2/en",
            "/v2/cmn_en",
            "/v2/en-GB",
            "/v2/agent",
            "/v2/agent/smart",
            "/v2/agent/smart:1.0",
        ] {
            assert_eq!(product(path), Some(Product::Rt), "{path}");
            assert_eq!(product(&format!("{path}/")), Some(Product::Rt), "{path}/");
        }
        assert_eq!(product("/v1/flow"), Some(Product::Flow));
        assert_eq!(product("/v1/flow/"), Some(Product::Flow));
        for path in [
            "",
            "/",
            "/v2//",
            "//v2",
            "/v2en",
            "/V2",
            "/v1",
            "/v2/jobs",
            "/v2/jobs/",
            "/v2/usage",
            "/v2/../v1",
            "/v2/.",
            "/v2/..",
            "/v2/e%6e",
            "/v2/en;x",
            "/v2/en\\x",
            "/v2/en/x",
            "/v2/agent/a/b",
            "/v2/agent//",
            "/v1/flow/x",
        ] {
            assert_eq!(product(path), None, "{path}");
        }
        assert_eq!(product(&format!("/v2/{}", "a".repeat(SEGMENT_BYTES_MAX + 1))), None);
    }
}
