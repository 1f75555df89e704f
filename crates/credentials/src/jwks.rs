//! The public key set at `/.well-known/jwks.json` (RFC 7517, RFC 8037): written for anyone, read for offline use.

use domain::{Algorithm, Kid, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::ParsedVerifyingKey;
use crate::encoding::decode_exact;
use crate::thumbprint::PublicMembers;

/// A key set that is read, in bytes.
pub const JWKS_BYTES_MAX: usize = 64 * 1024;

/// A set of public keys, parsed once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jwks {
    keys: Vec<ParsedVerifyingKey>,
}

/// A text is no key set of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Too long.
    #[error("a key set has at most {JWKS_BYTES_MAX} bytes")]
    TooLong,
    /// Not a key set.
    #[error("not a key set: expected the JSON of /.well-known/jwks.json")]
    Malformed,
    /// A private key.
    #[error("the key set holds a private key ({0}): replace that key, it is not secret any more")]
    Private(String),
    /// A key that can't be used as it says.
    #[error("key {0} of the set is not a key as it says")]
    BadKey(String),
}

#[derive(Serialize)]
struct WrittenSet<'a> {
    keys: Vec<WrittenKey<'a>>,
}

#[derive(Serialize)]
struct WrittenKey<'a> {
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    kid: &'a str,
}

#[derive(Deserialize)]
struct ReadSet {
    keys: Vec<ReadKey>,
}

#[derive(Deserialize)]
struct ReadKey {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

impl Jwks {
    /// A set of these keys. One that can't be used is left out: it verifies nothing.
    pub fn from_keys(keys: &[VerifyingKey]) -> Self {
        Self { keys: keys.iter().filter_map(|key| ParsedVerifyingKey::new(key).ok()).collect() }
    }

    /// The keys.
    pub fn keys(&self) -> &[ParsedVerifyingKey] {
        &self.keys
    }

    /// The key of this kid.
    pub fn find(&self, kid: &Kid) -> Option<&ParsedVerifyingKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The body to serve.
    pub fn to_json(&self) -> String {
        let keys = self.keys.iter().filter_map(|key| written(key.key())).collect();
        serde_json::to_string(&WrittenSet { keys }).expect("a structure of plain strings is always written")
    }

    /// Reads a body. Keys of other kinds or for other uses are passed over; a key of our kinds must be right.
    ///
    /// # Errors
    /// When it is no key set, or holds a private key, a broken one, or two of the same kid.
    pub fn from_json(text: &str) -> Result<Self, JwksError> {
        if text.len() > JWKS_BYTES_MAX {
            return Err(JwksError::TooLong);
        }
        let set: ReadSet = serde_json::from_str(text).map_err(|_| JwksError::Malformed)?;
        let mut keys: Vec<ParsedVerifyingKey> = Vec::with_capacity(set.keys.len());
        for key in &set.keys {
            let Some(key) = read(key)? else { continue };
            if keys.iter().any(|other| other.kid() == key.kid()) {
                return Err(JwksError::BadKey(key.kid().to_string()));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }
}

fn written(key: &VerifyingKey) -> Option<WrittenKey<'_>> {
    let (kty, crv, x, y) = match PublicMembers::new(key.algorithm, &key.public_key)? {
        PublicMembers::Ed25519 { x } => ("OKP", "Ed25519", x, None),
        PublicMembers::P256 { x, y } => ("EC", "P-256", x, Some(y)),
    };
    Some(WrittenKey { kty, crv, x, y, usage: "sig", alg: key.algorithm.as_str(), kid: key.kid.as_str() })
}

/// The key's kind decides its one algorithm. `alg` may be absent, but can't name another.
fn read(key: &ReadKey) -> Result<Option<ParsedVerifyingKey>, JwksError> {
    let name = || key.kid.clone().unwrap_or_else(|| "without kid".to_owned());
    if key.d.is_some() {
        return Err(JwksError::Private(name()));
    }
    let algorithm = match (key.kty.as_str(), key.crv.as_deref()) {
        ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
        ("EC", Some("P-256")) => Algorithm::Es256,
        _ => return Ok(None),
    };
    if key.usage.as_deref().is_some_and(|usage| usage != "sig") {
        return Ok(None);
    }
    let bad = || JwksError::BadKey(name());
    if key.alg.as_deref().is_some_and(|alg| alg != algorithm.as_str()) {
        return Err(bad());
    }
    let coordinate = |text: &Option<String>| text.as_deref().and_then(decode_exact::<32>).ok_or_else(bad);
    let public_key = match algorithm {
        Algorithm::EdDsa => coordinate(&key.x)?.to_vec(),
        Algorithm::Es256 => [[4].as_slice(), &coordinate(&key.x)?, &coordinate(&key.y)?].concat(),
    };
    let kid = Kid::new(key.kid.as_deref().ok_or_else(bad)?);
    let key = VerifyingKey { kid, algorithm, public_key, retired_at: None };
    ParsedVerifyingKey::new(&key).map(Some).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use domain::{Rng, SystemRng};

    use super::*;
    use crate::SigningKey;

    #[derive(Debug)]
    struct Constant(u8);

    impl Rng for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn both() -> Vec<VerifyingKey> {
        [Algorithm::EdDsa, Algorithm::Es256]
            .map(|algorithm| SigningKey::generate(algorithm, &Constant(7)).verifying_key())
            .to_vec()
    }

    /// The body that clients fetch, byte for byte.
    #[test]
    fn the_body() {
        insta::assert_snapshot!(Jwks::from_keys(&both()).to_json());
    }

    /// What is written is read back.
    #[test]
    fn round_trip() {
        let set = Jwks::from_keys(&both());
        assert_eq!(set.keys().len(), 2);
        assert_ne!(set.keys()[0], set.keys()[1]);
        assert_eq!(Jwks::from_json(&set.to_json()), Ok(set));
    }

    /// Unknown kinds of keys are passed over; private, broken, doubled or contradicting ones spoil the set.
    #[test]
    fn foreign_sets() {
        let good = Jwks::from_keys(&both()).to_json();
        let others = good.replacen('[', r#"[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"oct","k":"AQ"},"#, 1);
        assert_eq!(Jwks::from_json(&others).unwrap().keys().len(), 2);
        assert_eq!(Jwks::from_json(&good.replace(r#""sig""#, r#""enc""#)).unwrap().keys().len(), 0);
        let private = good.replacen(r#""crv""#, r#""d":"AQ","crv""#, 1);
        assert!(matches!(Jwks::from_json(&private), Err(JwksError::Private(_))));
        let contradicting = good.replacen("EdDSA", "HS256", 1);
        assert!(matches!(Jwks::from_json(&contradicting), Err(JwksError::BadKey(_))));
        let one = Jwks::from_keys(&both()[..1]).to_json();
        let key = &one[r#"{"keys":["#.len()..one.len() - 2];
        let doubled = format!(r#"{{"keys":[{key},{key}]}}"#);
        assert!(matches!(Jwks::from_json(&doubled), Err(JwksError::BadKey(_))));
        for nothing in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
            assert_eq!(Jwks::from_json(nothing), Err(JwksError::Malformed), "{nothing}");
        }
        let padded = |bytes: usize| good.clone() + &" ".repeat(bytes - good.len());
        assert!(Jwks::from_json(&padded(64 * 1024)).is_ok(), "the longest");
        assert_eq!(Jwks::from_json(&padded(64 * 1024 + 1)), Err(JwksError::TooLong));
    }

    /// CVE-2026-22817: a key without `alg` still verifies with its own algorithm only.
    #[test]
    fn a_key_without_alg_keeps_its_algorithm() {
        let ours = SigningKey::generate(Algorithm::EdDsa, &SystemRng).verifying_key();
        let text = Jwks::from_keys(std::slice::from_ref(&ours)).to_json().replace(r#""alg":"EdDSA","#, "");
        assert!(!text.contains("alg"));
        let set = Jwks::from_json(&text).unwrap();
        assert_eq!(set.find(&ours.kid).unwrap().algorithm(), Algorithm::EdDsa);
    }
}
