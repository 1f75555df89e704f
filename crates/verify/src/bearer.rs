//! The value of an `Authorization` header.

use domain::limits::CREDENTIAL_BYTES_MAX;

const SCHEME: &[u8] = b"bearer";
/// What client libraries write when they have no key: the names of nothing in their languages.
const NOTHING: [&str; 3] = ["None", "null", "undefined"];

/// What an `Authorization` value holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bearer<'a> {
    /// As good as no header: empty, or `Bearer` with nothing, `None`, `null` or `undefined` after it.
    Absent,
    /// Another scheme, or something that can't be a credential.
    Malformed,
    /// A credential: visible ASCII of a bounded length.
    Credential(&'a str),
}

impl std::fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Malformed => "Malformed",
            Self::Credential(_) => "Credential(…)",
        })
    }
}

/// Reads an `Authorization` value: the scheme in any case, spaces, one credential (RFC 6750, section 2.1).
pub fn presented_bearer(header_value: &[u8]) -> Bearer<'_> {
    let value = trim(header_value);
    if value.is_empty() {
        return Bearer::Absent;
    }
    let Some((scheme, rest)) = value.split_at_checked(SCHEME.len()) else { return Bearer::Malformed };
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Bearer::Malformed;
    }
    if rest.is_empty() {
        return Bearer::Absent;
    }
    if rest[0] != b' ' {
        return Bearer::Malformed;
    }
    let credential = trim(rest);
    if credential.len() > CREDENTIAL_BYTES_MAX || !credential.iter().all(u8::is_ascii_graphic) {
        return Bearer::Malformed;
    }
    match std::str::from_utf8(credential) {
        Ok(text) if text.is_empty() || NOTHING.contains(&text) => Bearer::Absent,
        Ok(text) => Bearer::Credential(text),
        Err(_) => Bearer::Malformed,
    }
}

/// Without the spaces and tabs around it, which are no part of a field's value (RFC 9110, section 5.5).
fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The forms in use are read, whatever the case of the scheme.
    #[test]
    fn credentials_are_found() {
        for value in ["Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc", " Bearer abc \t"] {
            assert_eq!(presented_bearer(value.as_bytes()), Bearer::Credential("abc"), "{value:?}");
        }
        assert_eq!(presented_bearer(b"Bearer none"), Bearer::Credential("none"));
    }

    /// What client libraries send when they have no key is no key, so that `?jwt=` can decide.
    #[test]
    fn nothing_is_absent() {
        for value in ["", " ", "Bearer", "bearer ", "Bearer None", "Bearer null", "bearer  undefined "] {
            assert_eq!(presented_bearer(value.as_bytes()), Bearer::Absent, "{value:?}");
        }
    }

    /// Anything else decides too, as something that is no credential.
    #[test]
    fn other_values_are_malformed() {
        let long = format!("Bearer {}", "x".repeat(CREDENTIAL_BYTES_MAX + 1));
        for value in [
            "Basic YTpi",
            "abc",
            "Bearerabc",
            "Bearer\tabc",
            "Bearer a b",
            "Bearer a, Bearer b",
            "Bearer é",
            &long,
            "Bear",
        ] {
            assert_eq!(presented_bearer(value.as_bytes()), Bearer::Malformed, "{value:.40}");
        }
        let longest = "a".repeat(CREDENTIAL_BYTES_MAX);
        assert_eq!(presented_bearer(format!("Bearer {longest}").as_bytes()), Bearer::Credential(&longest));
        assert_eq!(presented_bearer(b"Bearer \xff"), Bearer::Malformed);
        assert_eq!(presented_bearer(b"Bearer a\0"), Bearer::Malformed);
        assert_eq!(format!("{:?}", presented_bearer(b"Bearer abc")), "Credential(…)");
    }

    proptest! {
        /// Any bytes are read, and a credential is always one word of visible ASCII that stood in the value.
        #[test]
        fn any_bytes(value in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Bearer::Credential(text) = presented_bearer(&value) {
                prop_assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(value.windows(text.len()).any(|part| part == text.as_bytes()));
            }
        }
    }
}
