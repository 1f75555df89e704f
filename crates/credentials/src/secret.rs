//! Opaque secrets: a prefix that names the kind, 256 random bits, and a checksum that tells a mistyped or cut
//! secret from a wrong one before anything is looked up.

use std::fmt;

use aws_lc_rs::digest;
use domain::{Rng, SecretHash};
use zeroize::{Zeroize as _, Zeroizing};

/// Random characters of a secret: 43 of 62 hold 256 bits.
pub const RANDOM_CHARACTERS: usize = 43;
/// Checksum characters of a secret: 6 of 62 hold 32 bits.
pub const CHECKSUM_CHARACTERS: usize = 6;
/// A whole secret, in bytes.
pub const SECRET_BYTES: usize = PREFIX_BYTES + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS;

const PREFIX_BYTES: usize = 4;
const HINT_CHARACTERS: usize = 4;
/// Shorter secrets (imported ones) show nothing in their hint: four characters would be too much of them.
const HINTED_CHARACTERS_MIN: usize = 16;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What an opaque secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// An API key, `vgk_…`.
    ApiKey,
    /// A management token, `vgm_…`.
    ManagementToken,
    /// A gateway's enrolment credential, `vgg_…`.
    Enrolment,
}

impl SecretKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::ApiKey, Self::ManagementToken, Self::Enrolment];

    /// What secrets of this kind start with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "vgk_",
            Self::ManagementToken => "vgm_",
            Self::Enrolment => "vgg_",
        }
    }

    /// The kind that a text claims to be of by its prefix.
    pub fn of_prefix(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }

    /// A new secret.
    pub fn generate(self, rng: &dyn Rng) -> PlainSecret {
        let mut random = Zeroizing::new([0; 32]);
        rng.fill(random.as_mut_slice());
        let mut text = Zeroizing::new(String::with_capacity(SECRET_BYTES));
        text.push_str(self.prefix());
        push_base62(&mut text, &random, RANDOM_CHARACTERS);
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.iter().copied().map(char::from));
        PlainSecret(text)
    }
}

/// Appends a big-endian number of 256 bits as base 62 digits.
fn push_base62(text: &mut String, bytes: &[u8; 32], digits: usize) {
    let mut limbs = Zeroizing::new([0_u32; 8]);
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(4)) {
        *limb = chunk.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
    }
    let mut reversed = Zeroizing::new(Vec::with_capacity(digits));
    for _ in 0..digits {
        let mut remainder = 0_u64;
        for limb in limbs.iter_mut() {
            let value = remainder << 32 | u64::from(*limb);
            *limb = (value / 62) as u32;
            remainder = value % 62;
        }
        reversed.push(ALPHABET[remainder as usize]);
    }
    text.extend(reversed.iter().rev().copied().map(char::from));
}

/// The checksum of everything before it. It guards against slips, not against people: anyone can compute it.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_CHARACTERS] {
    let mut value = crc32fast::hash(text);
    let mut digits = [0; CHECKSUM_CHARACTERS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    digits
}

/// Whether a text that starts with one of our prefixes is whole: length, alphabet and checksum.
pub(crate) fn is_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == SECRET_BYTES
        && bytes[PREFIX_BYTES..].iter().all(u8::is_ascii_alphanumeric)
        && bytes[SECRET_BYTES - CHECKSUM_CHARACTERS..]
            == checksum(&bytes[..SECRET_BYTES - CHECKSUM_CHARACTERS])
}

/// Whether two texts are the same; takes as long wherever they differ.
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// A secret in the clear: shown once, then forgotten. It can't be printed or serialised, and is wiped when dropped.
#[derive(Clone)]
pub struct PlainSecret(Zeroizing<String>);

impl PlainSecret {
    /// Takes a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// 256 random bits as text, without a prefix: for what only browsers and links carry.
    pub fn random(rng: &dyn Rng) -> Self {
        let mut random = Zeroizing::new([0; 32]);
        rng.fill(random.as_mut_slice());
        let mut text = Zeroizing::new(String::with_capacity(RANDOM_CHARACTERS));
        push_base62(&mut text, &random, RANDOM_CHARACTERS);
        Self(text)
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored instead of it.
    pub fn hash(&self) -> SecretHash {
        hash_secret(&self.0)
    }

    /// What people recognise it by: prefix and last four characters.
    pub fn hint(&self) -> String {
        let prefix = SecretKind::of_prefix(&self.0).map_or("", SecretKind::prefix);
        let mut reversed: Vec<char> = self.0.chars().rev().take(HINTED_CHARACTERS_MIN).collect();
        if reversed.len() < HINTED_CHARACTERS_MIN {
            reversed.zeroize();
            return format!("{prefix}…");
        }
        let hint = format!("{prefix}…{}", reversed.iter().take(HINT_CHARACTERS).rev().collect::<String>());
        reversed.zeroize();
        hint
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret(…)")
    }
}

/// SHA-256 of a presented secret. A plain hash suffices, without salt or stretching: our secrets have 256 random
/// bits. Looking it up needs no constant time either: who can't find preimages can't steer what is compared.
pub fn hash_secret(presented: &str) -> SecretHash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, presented.as_bytes()).as_ref());
    SecretHash::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug)]
    struct FixedRng([u8; 32]);

    impl domain::Rng for FixedRng {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, fixed) in bytes.iter_mut().zip(self.0.iter().cycle()) {
                *byte = *fixed;
            }
        }
    }

    fn number(digits: &str) -> [u8; 32] {
        let mut bytes = [0_u8; 32];
        for digit in digits.bytes() {
            let mut carry = ALPHABET.iter().position(|letter| *letter == digit).unwrap() as u32;
            for byte in bytes.iter_mut().rev() {
                let value = u32::from(*byte) * 62 + carry;
                *byte = value as u8;
                carry = value >> 8;
            }
            assert_eq!(carry, 0, "more than 256 bits");
        }
        bytes
    }

    proptest! {
        /// All 256 random bits are in the secret: the number can be read back from its digits.
        #[test]
        fn no_randomness_is_lost(random: [u8; 32]) {
            for kind in SecretKind::ALL {
                let secret = kind.generate(&FixedRng(random));
                prop_assert_eq!(secret.expose().len(), SECRET_BYTES);
                prop_assert!(is_whole(secret.expose()));
                prop_assert_eq!(number(&secret.expose()[4..47]), random);
            }
        }

        /// One wrong character anywhere is noticed: CRC32 finds every burst of up to 32 bits.
        #[test]
        fn a_slip_is_noticed(random: [u8; 32], position in 4..SECRET_BYTES, replacement in "[0-9A-Za-z]") {
            let secret = SecretKind::ApiKey.generate(&FixedRng(random));
            let mut text = secret.expose().to_owned();
            text.replace_range(position..=position, &replacement);
            prop_assert_eq!(is_whole(&text), text == secret.expose());
        }
    }

    /// The extreme numbers fill all digits.
    #[test]
    fn extremes_have_all_digits() {
        assert!(
            SecretKind::ApiKey
                .generate(&FixedRng([0; 32]))
                .expose()
                .starts_with(&format!("vgk_{}", "0".repeat(43)))
        );
        assert_eq!(number(&SecretKind::ApiKey.generate(&FixedRng([255; 32])).expose()[4..47]), [255; 32]);
    }

    /// Two texts are the same when every byte is: not when one begins with the other, nor when they differ anywhere.
    #[test]
    fn sameness_is_of_all_bytes() {
        assert!(is_same(b"form-token", b"form-token"));
        for other in [&b"form-tokem"[..], b"Form-token", b"form-toke", b"form-token2", b""] {
            assert!(!is_same(b"form-token", other));
        }
    }

    /// A secret never shows in Debug output; its hint shows the prefix and four characters, and nothing of a short one.
    #[test]
    fn secrets_stay_hidden() {
        let secret = SecretKind::ManagementToken.generate(&SystemRng);
        assert_eq!(format!("{secret:?}"), "PlainSecret(…)");
        assert_eq!(secret.hint(), format!("vgm_…{}", &secret.expose()[SECRET_BYTES - 4..]));
        assert_eq!(PlainSecret::new("hunter2".to_owned()).hint(), "…");
        assert_eq!(PlainSecret::new("an-imported-key-ünïcödé".to_owned()).hint(), "…cödé");
    }

    /// The stored form is the SHA-256 of the whole string, as an import expects it.
    #[test]
    fn the_hash_is_plain_sha_256() {
        assert_eq!(
            hash_secret("abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
