//! Secrets at rest: AES-256-GCM under the master key, bound to a context so that no sealed value passes for another.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Rng, SecretHash};
use zeroize::Zeroizing;

use crate::{encoding, keyed_hash};

/// The first byte of everything sealed: the form that follows is a nonce, then ciphertext and tag.
const FORM: u8 = 1;

/// The key under which an instance's secrets are stored.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Something can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// The text is no master key.
    #[error("not a master key: expected 32 bytes as 64 hexadecimal digits or as base64")]
    NotAKey,
    /// Wrong key, wrong context, or altered bytes.
    #[error("the sealed value can't be opened: another master key made it, or it was altered")]
    Refused,
}

impl MasterKey {
    /// A new one.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits, or base64 in either alphabet, with or without padding. White space around it is
    /// ignored: it comes from files that people edit.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn from_text(text: &str) -> Result<Self, WrapError> {
        let text = text.trim();
        if let Some(bytes) = SecretHash::from_hex(text) {
            return Ok(Self::from_bytes(*bytes.as_bytes()));
        }
        let decoded =
            encoding::decode(text.trim_end_matches('=')).or_else(|| STANDARD.decode(padded(text)).ok());
        let bytes = Zeroizing::new(decoded.ok_or(WrapError::NotAKey)?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| WrapError::NotAKey)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Whether both are the same key. Takes the same time whatever they hold.
    pub fn is_same_as(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_slice(), other.0.as_slice()).is_ok()
    }

    /// 64 hexadecimal digits, for the file of mode 0600.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(SecretHash::from_bytes(*self.0).to_hex())
    }

    /// Encrypts. The context says what is sealed, for example `signing_key/<kid>`, and must be given again to open.
    pub fn seal(&self, context: &str, plain: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = Zeroizing::new(plain.to_vec());
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                sealed.as_mut_slice(),
            )
            .expect("AES-GCM seals anything shorter than 64 GiB");
        [&[FORM], nonce.as_slice(), sealed.as_slice(), tag.as_ref()].concat()
    }

    /// Decrypts what [`MasterKey::seal`] made with the same context.
    ///
    /// # Errors
    /// When key or context are others, or the bytes were altered.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let Some((&FORM, rest)) = sealed.split_first() else { return Err(WrapError::Refused) };
        let (nonce, ciphertext) = rest.split_at_checked(NONCE_LEN).ok_or(WrapError::Refused)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| WrapError::Refused)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let plain = self
            .cipher()
            .open_in_place(nonce, Aad::from(context.as_bytes()), buffer.as_mut_slice())
            .map_err(|_| WrapError::Refused)?
            .len();
        buffer.truncate(plain);
        Ok(buffer)
    }

    /// A key of its own for one purpose, for example for [`crate::keyed_hash()`]. Different purposes give unrelated keys.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(keyed_hash(&self.0, &[b"voxgate derived key", purpose.as_bytes()]))
    }

    fn cipher(&self) -> LessSafeKey {
        let key = Zeroizing::new(keyed_hash(&self.0, &[b"voxgate sealing key"]));
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice()).expect("the key has 32 bytes"))
    }
}

/// Fills up base64 without padding, which the standard alphabet's reader wants.
fn padded(text: &str) -> Zeroizing<String> {
    let bare = text.trim_end_matches('=');
    Zeroizing::new(format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4)))
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is sealed opens under the same key and context, and under nothing else; any altered bit is noticed.
        #[test]
        fn sealed_values_open_only_as_they_were(
            plain in prop::collection::vec(any::<u8>(), 0..100),
            position: prop::sample::Index,
            bit in 0_u32..8,
        ) {
            let key = MasterKey::generate(&SystemRng);
            let sealed = key.seal("signing_key/a", &plain, &SystemRng);
            let opened = key.open("signing_key/a", &sealed).unwrap();
            prop_assert_eq!(opened.as_slice(), plain.as_slice());
            prop_assert!(key.open("signing_key/b", &sealed).is_err());
            prop_assert!(MasterKey::generate(&SystemRng).open("signing_key/a", &sealed).is_err());
            let mut altered = sealed.clone();
            altered[position.index(sealed.len())] ^= 1_u8 << bit;
            prop_assert!(key.open("signing_key/a", &altered).is_err());
            prop_assert!(key.open("signing_key/a", &sealed[..position.index(sealed.len())]).is_err());
        }
    }

    /// The same value sealed twice looks different: the nonce is new each time.
    #[test]
    fn nonces_are_fresh() {
        let key = MasterKey::generate(&SystemRng);
        assert_ne!(key.seal("a", b"plain", &SystemRng), key.seal("a", b"plain", &SystemRng));
    }

    /// Keys are read in every usual form, and anything else is refused with what was expected.
    #[test]
    fn master_keys_as_text() {
        let bytes = *b"\xfb\xef\xff345678901234567890123456789\xff\xfe";
        let written = MasterKey::from_bytes(bytes).to_text();
        for text in [
            written.as_str(),
            &format!("  {}\n", written.to_uppercase()),
            &STANDARD.encode(bytes),
            STANDARD.encode(bytes).trim_end_matches('='),
            &encoding::encode(&bytes),
        ] {
            assert_eq!(*MasterKey::from_text(text).unwrap().0, bytes, "{text}");
        }
        for text in ["", "0123", &written[1..], "not a key at all", &STANDARD.encode(&bytes[1..])] {
            assert_eq!(MasterKey::from_text(text).unwrap_err(), WrapError::NotAKey, "{text}");
        }
    }

    /// Purposes don't share keys, and none is the master key.
    #[test]
    fn derived_keys_differ() {
        let key = MasterKey::from_bytes([1; 32]);
        assert_ne!(key.derive("user_id"), key.derive("pseudonym"));
        assert!(key.is_same_as(&key.clone()) && !key.is_same_as(&MasterKey::from_bytes([2; 32])));
        assert_eq!(key.derive("user_id"), key.derive("user_id"));
        assert_ne!(*key.derive("user_id"), [1; 32]);
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }
}
