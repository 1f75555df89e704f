//! Which credential counts (design 7): the header, else `?jwt=`.

use std::borrow::Cow;

use domain::{Reason, Refusal};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use verify::{Bearer, presented_bearer};

/// The parameter that carries a temporary key.
const JWT: &str = "jwt";
/// Parameters that never reach an engine, in any case.
const SECRET_PARAMETERS: [&str; 2] = [JWT, "api_key"];

/// Where the credential was found. It decides how a refusal is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In the header, or nowhere.
    Header,
    /// In `?jwt=`.
    Url,
}

/// The credential that counts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// A readable one.
    Credential(Placement, Cow<'a, str>),
    /// None, or none that could be one.
    Refused(Placement, Refusal),
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Credential(placement, _) => write!(f, "Credential({placement:?}, …)"),
            Self::Refused(placement, refusal) => write!(f, "Refused({placement:?}, {refusal})"),
        }
    }
}

/// Finds the credential that counts.
///
/// # Errors
/// When there are two of a kind: then nobody can say which one was meant.
pub(crate) fn find<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Result<Presented<'a>, Refusal> {
    let mut authorizations = headers.get_all(AUTHORIZATION).iter();
    let authorization = authorizations.next();
    if authorizations.next().is_some() {
        return Err(ambiguous("Two Authorization headers were sent. Send one."));
    }
    let mut parameters = pieces(query.unwrap_or_default()).filter_map(|piece| piece.value_of(JWT));
    let parameter = parameters.next();
    if parameters.next().is_some() {
        return Err(ambiguous("Two jwt parameters were sent. Send one."));
    }
    match authorization.map(|value| presented_bearer(value.as_bytes())) {
        Some(Bearer::Credential(credential)) => {
            return Ok(Presented::Credential(Placement::Header, Cow::Borrowed(credential)));
        }
        Some(Bearer::Malformed) => return Ok(Presented::Refused(Placement::Header, malformed_header())),
        Some(Bearer::Absent) | None => {}
    }
    Ok(match parameter {
        None => Presented::Refused(Placement::Header, missing()),
        Some("") => Presented::Refused(Placement::Url, empty_parameter()),
        Some(value) => Presented::Credential(Placement::Url, percent_decode_str(value).decode_utf8_lossy()),
    })
}

/// The query without the parameters that carry secrets; the rest stays as it was written.
pub(crate) fn without_secrets(query: &str) -> String {
    let mut kept = String::with_capacity(query.len());
    for piece in pieces(query).filter(|piece| !piece.is_secret()) {
        if !kept.is_empty() {
            kept.push(piece.separator);
        }
        kept.push_str(piece.text);
    }
    kept
}

/// One parameter of a query, as it was written.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    /// What stood before it.
    separator: char,
    text: &'a str,
}

impl<'a> Piece<'a> {
    fn name(&self) -> &'a str {
        self.text.split_once('=').map_or(self.text, |(name, _)| name)
    }

    fn value_of(&self, wanted: &str) -> Option<&'a str> {
        let name: Cow<'_, [u8]> = percent_decode_str(self.name()).into();
        if name.as_ref() != wanted.as_bytes() {
            return None;
        }
        Some(self.text.split_once('=').map_or("", |(_, value)| value))
    }

    fn is_secret(&self) -> bool {
        let name: Cow<'_, [u8]> = percent_decode_str(self.name()).into();
        SECRET_PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes()))
    }
}

/// The parameters of a query. A `?` separates as `&` does: one client library puts its own `?sm-sdk=…` behind
/// whatever the URL has, and no credential contains one.
fn pieces(query: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = query;
    let mut separator = '&';
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let before = separator;
            let end = rest.find(['&', '?']).unwrap_or(rest.len());
            let text = &rest[..end];
            separator = rest[end..].chars().next().unwrap_or('&');
            rest = rest.get(end + 1..).unwrap_or_default();
            if !text.is_empty() {
                return Some(Piece { separator: before, text });
            }
        }
        None
    })
}

fn ambiguous(detail: &'static str) -> Refusal {
    Refusal::new(Reason::CredentialAmbiguous, detail)
}

fn missing() -> Refusal {
    Refusal::new(
        Reason::CredentialMissing,
        "No credential was sent. Send the header Authorization: Bearer with an API key or a temporary key, or from a browser ?jwt= with a temporary key.",
    )
}

fn empty_parameter() -> Refusal {
    Refusal::new(Reason::CredentialMissing, "The jwt parameter is empty. It must hold a temporary key.")
}

fn malformed_header() -> Refusal {
    Refusal::new(
        Reason::CredentialUnknown,
        "The Authorization header holds no credential that can be read. It must be: Bearer, a space, and an API key or a temporary key.",
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn found(authorization: &[&str], query: Option<&str>) -> String {
        match find(&headers(authorization), query) {
            Err(refusal) => refusal.reason.to_string(),
            Ok(Presented::Credential(placement, credential)) => format!("{placement:?} {credential}"),
            Ok(Presented::Refused(placement, refusal)) => format!("{placement:?} {}", refusal.reason),
        }
    }

    /// The header decides, whatever `?jwt=` holds; the literals that SDKs send for "no key" are no header.
    #[test]
    fn the_header_decides_else_the_parameter() {
        assert_eq!(found(&["Bearer abc"], None), "Header abc");
        assert_eq!(found(&["Bearer abc"], Some("jwt=xyz")), "Header abc");
        assert_eq!(found(&[], Some("sm-sdk=x&jwt=xyz&sm-app=y")), "Url xyz");
        for literal in ["Bearer None", "Bearer null", "Bearer undefined", "", "Bearer", "Bearer "] {
            assert_eq!(found(&[literal], Some("jwt=xyz")), "Url xyz", "{literal:?}");
            assert_eq!(found(&[literal], None), "Header credential_missing", "{literal:?}");
        }
        assert_eq!(found(&["Basic YTpi"], Some("jwt=xyz")), "Header credential_unknown");
        assert_eq!(found(&[], None), "Header credential_missing");
        assert_eq!(found(&[], Some("sm-sdk=x")), "Header credential_missing");
        assert_eq!(found(&[], Some("jwt=")), "Url credential_missing");
        assert_eq!(found(&[], Some("jwt")), "Url credential_missing");
    }

    /// Two of a kind are refused, even where the other kind would decide.
    #[test]
    fn two_of_a_kind_are_ambiguous() {
        assert_eq!(found(&["Bearer a", "Bearer a"], None), "credential_ambiguous");
        assert_eq!(found(&["Bearer a", "Bearer None"], None), "credential_ambiguous");
        assert_eq!(found(&[], Some("jwt=a&jwt=a")), "credential_ambiguous");
        assert_eq!(found(&["Bearer a"], Some("jwt=b&%6awt=c")), "credential_ambiguous");
        assert_eq!(found(&["Bearer a"], Some("jwt=b")), "Header a");
    }

    /// A temporary key may be percent-encoded, and a `?` ends it.
    #[test]
    fn the_parameter_is_decoded() {
        assert_eq!(found(&[], Some("jwt=a%2Eb%2ec")), "Url a.b.c");
        assert_eq!(found(&[], Some("%6a%77t=a.b.c")), "Url a.b.c");
        assert_eq!(found(&[], Some("jwt=a.b.c?sm-sdk=rust-0.4.0")), "Url a.b.c");
        assert_eq!(found(&[], Some("a=b?jwt=c")), "Url c");
        assert_eq!(found(&[], Some("JWT=a")), "Header credential_missing");
    }

    /// Secrets never stay in the query, in whatever spelling; everything else stays as it was written.
    #[test]
    fn secrets_are_taken_out() {
        assert_eq!(without_secrets("sm-sdk=js&jwt=a.b.c&sm-app=x%20y"), "sm-sdk=js&sm-app=x%20y");
        assert_eq!(without_secrets("jwt=a"), "");
        assert_eq!(without_secrets("jwt=a?sm-sdk=rust-0.4.0"), "sm-sdk=rust-0.4.0");
        assert_eq!(without_secrets("a=b?sm-sdk=rust-x"), "a=b?sm-sdk=rust-x");
        assert_eq!(without_secrets("%6Awt=a&JWT=b&api_key=c&Api_Key=d&api%5fkey=e&jwt&x=1"), "x=1");
        assert_eq!(without_secrets("jwtx=1&xjwt=2"), "jwtx=1&xjwt=2");
    }

    proptest! {
        /// No query, however odd, lets a secret through, and taking secrets out twice changes nothing.
        #[test]
        fn nothing_secret_stays(query in "[jwt%6Aapi_key=&?;x]{0,60}") {
            let kept = without_secrets(&query);
            prop_assert!(pieces(&kept).all(|piece| !piece.is_secret()));
            prop_assert_eq!(without_secrets(&kept), kept);
        }
    }
}
