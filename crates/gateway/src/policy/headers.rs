//! Header fields: which one is the credential, and which ones an engine gets to see.

use domain::{Reason, Refusal};
use serde::Deserialize;

/// A list of header fields. Names are lower case.
pub trait HeaderList {
    /// Shows every field, repeated ones too, in order.
    fn each<'s>(&'s self, visit: &mut dyn FnMut(&'s str, &'s [u8]));
}

impl HeaderList for http::HeaderMap {
    fn each<'s>(&'s self, visit: &mut dyn FnMut(&'s str, &'s [u8])) {
        for (name, value) in self {
            visit(name.as_str(), value.as_bytes());
        }
    }
}

impl HeaderList for [(&str, &[u8])] {
    fn each<'s>(&'s self, visit: &mut dyn FnMut(&'s str, &'s [u8])) {
        for (name, value) in self {
            visit(name, value);
        }
    }
}

/// What one look at the header fields told.
#[derive(Clone, Copy, Default)]
pub struct Scan<'a> {
    authorization: Option<&'a [u8]>,
    authorizations: usize,
    content_types: usize,
    hosts: usize,
    processing_data: Option<&'a [u8]>,
    /// What `Connection` nominates, which ends here.
    nominated: Option<&'a [u8]>,
    connections: usize,
    origin: Option<&'a [u8]>,
    origins: usize,
}

impl std::fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scan(…)")
    }
}

impl<'a> Scan<'a> {
    /// Looks at all header fields once.
    pub fn read<H: HeaderList + ?Sized>(headers: &'a H) -> Self {
        let mut scan = Self::default();
        headers.each(&mut |name, value| match name {
            "authorization" => {
                scan.authorization = scan.authorization.or(Some(value));
                scan.authorizations += 1;
            }
            "content-type" => scan.content_types += 1,
            "host" => scan.hosts += 1,
            "x-sm-processing-data" => scan.processing_data = Some(value),
            "connection" => {
                scan.nominated = Some(value);
                scan.connections += 1;
            }
            "origin" => {
                scan.origin = Some(value);
                scan.origins += 1;
            }
            _ => {}
        });
        scan
    }

    /// Refuses fields that may stand once and stand twice.
    ///
    /// # Errors
    /// When there are two credentials, two media types or two hosts.
    pub fn unambiguous(&self) -> Result<(), Refusal> {
        if self.authorizations > 1 {
            return Err(Refusal::new(
                Reason::CredentialAmbiguous,
                "Two Authorization headers were sent. Send one.",
            ));
        }
        if self.content_types > 1 || self.hosts > 1 {
            return Err(Refusal::new(
                Reason::MalformedRequest,
                "A header that may be sent once was sent twice: Content-Type or Host.",
            ));
        }
        Ok(())
    }

    /// The value of `Authorization`.
    pub const fn authorization(&self) -> Option<&'a [u8]> {
        self.authorization
    }

    /// The page that asks, if exactly one is named.
    pub fn origin(&self) -> Option<&'a str> {
        self.origin.filter(|_| self.origins == 1).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The value of the client's `X-SM-Processing-Data`.
    pub const fn processing_data(&self) -> Option<&'a [u8]> {
        self.processing_data
    }

    /// Whether an engine gets to see this field: it is on the list, and `Connection` doesn't take it off.
    pub fn forwards(&self, name: &str, streams: bool) -> bool {
        let listed = ALWAYS.contains(&name) || (streams && STREAMS.contains(&name));
        listed && !self.is_nominated(name)
    }

    fn is_nominated(&self, name: &str) -> bool {
        let Some(value) = self.nominated else { return false };
        // Several Connection fields are rare enough to forward nothing that isn't ours.
        self.connections > 1
            || value
                .split(|byte| *byte == b',')
                .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// What engines see on every route. All else ends here: credentials, cookies, everything that could pass for identity.
const ALWAYS: &[&str] = &[
    "accept",
    "accept-language",
    "content-type",
    "user-agent",
    "x-request-id",
    "x-sm-ear-tag",
    "traceparent",
    "tracestate",
];

/// What engines see where their answer is passed on as it is.
const STREAMS: &[&str] = &["range", "if-range", "if-none-match", "if-modified-since"];

/// The most engines that a client may ask for.
const PARALLEL_ENGINES_MAX: u32 = 1024;

/// What is kept of a client's `X-SM-Processing-Data`: its `parallel_engines`, where that is a sensible number.
pub fn parallel_engines(processing_data: Option<&[u8]>) -> Option<u32> {
    #[derive(Deserialize)]
    struct ProcessingData {
        parallel_engines: Option<u32>,
    }
    let data: ProcessingData = serde_json::from_slice(processing_data?).ok()?;
    data.parallel_engines.filter(|engines| (1..=PARALLEL_ENGINES_MAX).contains(engines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan<'a>(fields: &'a [(&'a str, &'a [u8])]) -> Scan<'a> {
        Scan::read(fields)
    }

    /// One Origin counts; two are as good as none, since one of them may be a lie.
    #[test]
    fn one_origin_counts() {
        let page: (&str, &[u8]) = ("origin", b"https://app.example");
        assert_eq!(scan(&[page]).origin(), Some("https://app.example"));
        assert_eq!(scan(&[page, page]).origin(), None);
        assert_eq!(scan(&[("origin", b"\xff")]).origin(), None);
        assert_eq!(scan(&[]).origin(), None);
    }

    /// Nothing that could pass for identity or for a credential is ever forwarded, in any spelling; ordinary fields are.
    #[test]
    fn only_listed_fields_are_forwarded() {
        let scan = scan(&[]);
        for name in [
            "authorization",
            "cookie",
            "proxy-authorization",
            "jwt",
            "api_key",
            "api-key",
            "x-api-key",
            "voxgate-project",
            "voxgate_project",
            "voxgate-client-ref",
            "voxgate_client_ref",
            ".voxgate-key",
            " voxgate-key",
            "voxgate-key ",
            "x-voxgate-key",
            "x-sm-processing-data",
            "x_sm_processing_data",
            "x-sm_processing-data",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-uri",
            "x-original-url",
            "x-rewrite-url",
            "forwarded",
            "connection",
            "te",
            "trailer",
            "upgrade",
            "host",
            "content-length",
            "transfer-encoding",
            "expect",
            "keep-alive",
            "accept-encoding",
            "x_request_id",
        ] {
            assert!(!scan.forwards(name, true), "{name}");
        }
        for name in ALWAYS {
            assert!(scan.forwards(name, false) && scan.forwards(name, true), "{name}");
        }
        assert!(scan.forwards("range", true) && !scan.forwards("range", false));
    }

    /// A request's own map is read whole, repeated fields too.
    #[test]
    fn maps_are_read_whole() {
        let mut map = http::HeaderMap::new();
        for value in ["Bearer a", "Bearer b"] {
            map.append("Authorization", http::HeaderValue::from_static(value));
        }
        assert_eq!(Scan::read(&map).authorization(), Some(b"Bearer a".as_slice()));
        assert_eq!(Scan::read(&map).unambiguous().unwrap_err().reason, Reason::CredentialAmbiguous);
        map.remove("authorization");
        assert_eq!(Scan::read(&map).unambiguous(), Ok(()));
    }

    /// What `Connection` nominates ends here; what it doesn't, goes on.
    #[test]
    fn nominated_fields_end_here() {
        let fields: &[(&str, &[u8])] = &[("connection", b"close, X-Request-Id")];
        assert!(!scan(fields).forwards("x-request-id", false));
        assert!(scan(fields).forwards("user-agent", false));
        let twice: &[(&str, &[u8])] = &[("connection", b"x"), ("connection", b"user-agent")];
        assert!(!scan(twice).forwards("user-agent", false) && !scan(twice).forwards("accept", false));
    }

    /// One of each is fine, two of one are not.
    #[test]
    fn repeated_fields_are_refused() {
        let one: &[(&str, &[u8])] =
            &[("authorization", b"Bearer a"), ("content-type", b"a/b"), ("host", b"a")];
        assert_eq!(scan(one).unambiguous(), Ok(()));
        assert_eq!(scan(one).authorization(), Some(b"Bearer a".as_slice()));
        for (name, reason) in [
            ("authorization", Reason::CredentialAmbiguous),
            ("content-type", Reason::MalformedRequest),
            ("host", Reason::MalformedRequest),
        ] {
            let two: &[(&str, &[u8])] = &[(name, b"a"), (name, b"a")];
            assert_eq!(scan(two).unambiguous().unwrap_err().reason, reason);
        }
    }

    /// Of the client's processing data only a sensible number of engines is kept.
    #[test]
    fn processing_data_is_reduced() {
        let own: &[(&str, &[u8])] =
            &[("x-sm-processing-data", br#"{"parallel_engines":4,"user_id":"somebody else"}"#)];
        assert_eq!(parallel_engines(scan(own).processing_data()), Some(4));
        for engines in [1, 1024] {
            let data = format!(r#"{{"parallel_engines":{engines}}}"#);
            assert_eq!(parallel_engines(Some(data.as_bytes())), Some(engines));
        }
        for bad in [
            r#"{"parallel_engines":0}"#,
            r#"{"parallel_engines":1025}"#,
            r#"{"parallel_engines":-1}"#,
            r#"{"parallel_engines":"4"}"#,
            "4",
            "",
            "{",
            "[]",
        ] {
            assert_eq!(parallel_engines(Some(bad.as_bytes())), None, "{bad}");
        }
        assert_eq!(parallel_engines(None), None);
    }
}
