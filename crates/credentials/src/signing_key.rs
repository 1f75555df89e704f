//! Key pairs that sign temporary keys. There is no way to sign with a public key of someone's choosing: signing takes
//! only a whole pair.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, Signature,
};
use domain::limits::TEMPORARY_KEY_BYTES_MAX;
use domain::token::Claims;
use domain::{Algorithm, Kid, Rng, VerifyingKey};
use zeroize::Zeroizing;

use crate::encoding::encode_onto;
use crate::keyed_hash;
use crate::thumbprint::PublicMembers;
use crate::token::claims::{self, ClaimsError};
use crate::token::header;
use crate::verifying_key::{KeyError, SIGNATURE_BYTES};

/// A key pair that signs temporary keys with its one algorithm.
pub struct SigningKey {
    kid: Kid,
    pair: Pair,
    /// The header of every token that it signs, as base64url with the dot after it.
    header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// A token can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It would not fit into URLs.
    #[error(
        "the temporary key would be {bytes} bytes long, and at most {TEMPORARY_KEY_BYTES_MAX} fit: \
         shorten client_ref, lock, origins or networks"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// No verifier would read it.
    #[error("these claims can't be signed: {0}")]
    Claims(#[from] ClaimsError),
    /// The cryptographic library refused.
    #[error("the signature could not be made")]
    Library,
}

impl SigningKey {
    /// A new key pair.
    pub fn generate(algorithm: Algorithm, rng: &dyn Rng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill(seed.as_mut_slice());
        let pair = match algorithm {
            Algorithm::EdDsa => Pair::Ed25519(
                Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
                    .expect("any 32 bytes are an Ed25519 seed"),
            ),
            Algorithm::Es256 => Pair::P256(p256_from_seed(&seed)),
        };
        Self::from_pair(pair)
    }

    /// Reads what [`SigningKey::to_pkcs8`] wrote.
    ///
    /// # Errors
    /// When the bytes are no key of this algorithm, or the kid isn't this key's thumbprint.
    pub fn from_pkcs8(kid: &Kid, algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let malformed = |_| KeyError::Malformed(algorithm);
        let pair = match algorithm {
            Algorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(bytes).map_err(malformed)?),
            Algorithm::Es256 => Pair::P256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes).map_err(malformed)?,
            ),
        };
        let key = Self::from_pair(pair);
        if key.kid == *kid { Ok(key) } else { Err(KeyError::WrongKid) }
    }

    fn from_pair(pair: Pair) -> Self {
        let kid = PublicMembers::new(pair.algorithm(), pair.public_key())
            .expect("the library writes public keys in the one form of their algorithm")
            .thumbprint();
        let mut header = String::new();
        encode_onto(header::write(pair.algorithm(), &kid).as_bytes(), &mut header);
        header.push('.');
        Self { kid, pair, header }
    }

    /// The private key as PKCS#8, to be sealed with [`crate::MasterKey::seal`].
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let document = match &self.pair {
            Pair::Ed25519(pair) => pair.to_pkcs8(),
            Pair::P256(pair) => pair.to_pkcs8v1(),
        };
        Zeroizing::new(document.expect("the library writes every key that it holds").as_ref().to_vec())
    }

    /// Its kid: the RFC 7638 thumbprint.
    pub const fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.pair.algorithm()
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey {
            kid: self.kid.clone(),
            algorithm: self.algorithm(),
            public_key: self.pair.public_key().to_vec(),
            retired_at: None,
        }
    }

    /// Signs a temporary key.
    ///
    /// # Errors
    /// When it would be too long, or hold what no verifier reads.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignError> {
        let payload = claims::write(claims)?;
        let mut token = String::with_capacity(TEMPORARY_KEY_BYTES_MAX);
        token.push_str(&self.header);
        encode_onto(&payload, &mut token);
        let bytes = token.len() + 1 + SIGNATURE_BYTES.div_ceil(3) * 4 - 2;
        if bytes > TEMPORARY_KEY_BYTES_MAX {
            return Err(SignError::TooLong { bytes });
        }
        let signature = self.pair.sign(token.as_bytes())?;
        token.push('.');
        encode_onto(signature.as_ref(), &mut token);
        Ok(token)
    }
}

impl Pair {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
        }
    }

    fn public_key(&self) -> &[u8] {
        match self {
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::P256(pair) => pair.public_key().as_ref(),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        match self {
            Self::Ed25519(pair) => pair.try_sign(message),
            // The nonce is the library's own affair: its quality must not depend on the `Rng` of a test.
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message),
        }
        .map_err(|_| SignError::Library)
    }
}

/// A P-256 key from a seed: the first of a row of hashes that is below the group's order, as nearly all are.
fn p256_from_seed(seed: &[u8; 32]) -> EcdsaKeyPair {
    (0_u8..=u8::MAX)
        .find_map(|counter| {
            let scalar = Zeroizing::new(keyed_hash(seed, &[b"voxgate p256", &[counter]]));
            // ECPrivateKey of RFC 5915 without its optional members: the library computes the public half.
            let mut der = Zeroizing::new(vec![0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20]);
            der.extend_from_slice(scalar.as_slice());
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()
        })
        .expect("of 256 hashes one is below the group's order: each fails with probability 2^-32")
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    #[derive(Debug)]
    struct Constant(u8);

    impl Rng for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    /// A key survives being stored, under its own kid and algorithm only.
    #[test]
    fn stored_and_read_back() {
        for algorithm in Algorithm::ALL.iter().copied() {
            let key = SigningKey::generate(algorithm, &SystemRng);
            let stored = key.to_pkcs8();
            let read = SigningKey::from_pkcs8(key.kid(), algorithm, &stored).unwrap();
            assert_eq!(read.verifying_key(), key.verifying_key());
            assert!(matches!(
                SigningKey::from_pkcs8(&Kid::new("other"), algorithm, &stored),
                Err(KeyError::WrongKid)
            ));
            let other = if algorithm == Algorithm::EdDsa { Algorithm::Es256 } else { Algorithm::EdDsa };
            assert!(SigningKey::from_pkcs8(key.kid(), other, &stored).is_err());
            assert!(SigningKey::from_pkcs8(key.kid(), algorithm, &stored[1..]).is_err());
        }
    }

    /// The randomness that is handed in makes the key, whatever it is: no generator can hang or fail.
    #[test]
    fn the_seed_makes_the_key() {
        for algorithm in Algorithm::ALL.iter().copied() {
            for byte in [0, 255] {
                let one = SigningKey::generate(algorithm, &Constant(byte));
                let same = SigningKey::generate(algorithm, &Constant(byte));
                assert_eq!(one.kid(), same.kid());
                assert_ne!(one.kid(), SigningKey::generate(algorithm, &SystemRng).kid());
            }
        }
    }

    /// No private byte shows in Debug output.
    #[test]
    fn debug_shows_the_kid_only() {
        let key = SigningKey::generate(Algorithm::EdDsa, &SystemRng);
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
    }
}
