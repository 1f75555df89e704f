//! The protected header: exactly `alg`, `kid` and `typ`. It chooses one of our keys by name, and nothing else: not the
//! algorithm, not a key of its own, not a place to fetch one from.

use std::borrow::Cow;

use domain::{Algorithm, Kid};
use serde::Deserialize;

use crate::encoding::{decode, is_base64url};

/// The one `typ`: explicit, so that nothing else we sign passes for a temporary key.
pub const TYP: &str = "temporary-key+jwt";
/// A header part, in base64url characters; ours has about 140.
const HEADER_BYTES_MAX: usize = 256;
const KID_BYTES_MAX: usize = 64;

/// What a header says, before anything is believed.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Kid,
}

/// Why a header is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Not base64url.
    Encoding,
    /// Not exactly the three members, each once and a string; longer than they can be.
    Members,
    /// Not an algorithm of ours, compared exactly.
    Algorithm,
    /// Another kind of token.
    Typ,
}

// serde's derive refuses duplicate members, and unknown ones are denied: `crit`, `jwk`, `jku`, `x5u`, `b64`, `zip`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
}

pub(crate) fn read(part: &str) -> Result<Header, HeaderError> {
    if part.len() > HEADER_BYTES_MAX {
        return Err(HeaderError::Members);
    }
    let json = decode(part).ok_or(HeaderError::Encoding)?;
    let members: Members<'_> = super::object(&json).ok_or(HeaderError::Members)?;
    let algorithm = Algorithm::from_name(&members.alg).ok_or(HeaderError::Algorithm)?;
    if members.typ != TYP {
        return Err(HeaderError::Typ);
    }
    if !(1..=KID_BYTES_MAX).contains(&members.kid.len()) || !members.kid.bytes().all(is_base64url) {
        return Err(HeaderError::Members);
    }
    Ok(Header { algorithm, kid: Kid::new(&members.kid) })
}

/// The header's JSON. A kid of ours needs no escaping.
pub(crate) fn write(algorithm: Algorithm, kid: &Kid) -> String {
    format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"{TYP}"}}"#)
}
