//! Keys that were made elsewhere, of whatever form, and shall be API keys here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::SecretHash;
use domain::limits::{CREDENTIAL_BYTES_MAX, IMPORTED_KEY_BYTES_MIN};
use serde::Deserialize;

use crate::encoding;
use crate::shape::{Shape, classify};
use crate::token::header::TYP;

/// Fewer different characters than this in a whole key were typed, not drawn: of a million random keys of 20 digits two
/// have as few.
const DIFFERENT_CHARACTERS_MIN: usize = 5;
const HINT_DIGITS: usize = 8;

/// A text can't be an API key. The sentences say why, and never what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotImportable {
    /// Short ones can be guessed.
    #[error(
        "the key has {bytes} characters, and a key with fewer than {IMPORTED_KEY_BYTES_MIN} can be guessed"
    )]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// The gateway takes no credential as long as that.
    #[error("the key has {bytes} bytes, and the gateway takes at most {CREDENTIAL_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// No header could carry it.
    #[error(
        "the key holds a space, a control character or a letter outside ASCII, which no header can carry"
    )]
    NotVisible,
    /// It was typed, not drawn.
    #[error(
        "the key is easily guessed: it has fewer than {DIFFERENT_CHARACTERS_MIN} different characters, or repeats itself"
    )]
    Guessable,
    /// It claims to be one of ours, and is not whole.
    #[error("the key begins as Voxgate's own do, and its checksum is wrong: it was mistyped or cut short")]
    Mistyped,
    /// It would be taken for something else wherever it is presented.
    #[error("this is a management token or an enrolment credential of Voxgate, not an API key")]
    AnotherKind,
    /// It expires by itself, and what it says of itself would be ignored.
    #[error("this is a temporary key of Voxgate, not an API key: import the API key that minted it")]
    TemporaryKey,
}

/// Whether a key may be imported. A key of three parts with dots between them is one like any other, a signed token of
/// somebody else's included: imported keys are looked up by their hash before anything is read as a token, so that it is
/// opaque here.
///
/// # Errors
/// Why it may not.
pub fn check_imported(key: &str) -> Result<(), NotImportable> {
    let bytes = key.len();
    if bytes > CREDENTIAL_BYTES_MAX {
        return Err(NotImportable::TooLong { bytes });
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NotImportable::NotVisible);
    }
    if bytes < IMPORTED_KEY_BYTES_MIN {
        return Err(NotImportable::TooShort { bytes });
    }
    match classify(key) {
        Shape::Mistyped => return Err(NotImportable::Mistyped),
        Shape::ManagementToken | Shape::Enrolment => return Err(NotImportable::AnotherKind),
        Shape::Token if is_temporary_key(key) => return Err(NotImportable::TemporaryKey),
        Shape::ApiKey | Shape::Token | Shape::Other => {}
    }
    if is_guessable(key.as_bytes()) { Err(NotImportable::Guessable) } else { Ok(()) }
}

/// Reads a SHA-256: 64 hexadecimal digits, or base64 in either alphabet, with or without padding.
pub fn read_hash(text: &str) -> Option<SecretHash> {
    if let Some(hash) = SecretHash::from_hex(text) {
        return Some(hash);
    }
    let bare = text.trim_end_matches('=');
    let decoded = encoding::decode(bare).or_else(|| STANDARD.decode(format!("{bare}=")).ok())?;
    decoded.try_into().ok().map(SecretHash::from_bytes)
}

/// What an imported key is recognised by: the beginning of its SHA-256, which says nothing about the key itself.
pub fn hash_hint(hash: &SecretHash) -> String {
    let mut hint = String::from("sha256:");
    hint.push_str(&hash.to_hex()[..HINT_DIGITS]);
    hint
}

fn is_temporary_key(key: &str) -> bool {
    #[derive(Deserialize)]
    struct Typed {
        typ: String,
    }
    let header = key.split('.').next().and_then(encoding::decode);
    let typed = header.and_then(|json| serde_json::from_slice::<Typed>(&json).ok());
    typed.is_some_and(|typed| typed.typ.eq_ignore_ascii_case(TYP))
}

fn is_guessable(key: &[u8]) -> bool {
    let mut seen = [false; 256];
    key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    let different = seen.into_iter().filter(|seen| *seen).count();
    different < DIFFERENT_CHARACTERS_MIN || repeats(key)
}

/// Whether a key is one part said twice or more: then it is only as hard to guess as that part.
fn repeats(key: &[u8]) -> bool {
    let longest = (key.len() / 2).min(IMPORTED_KEY_BYTES_MIN - 1);
    (1..=longest).any(|period| key[period..] == key[..key.len() - period])
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;
    use crate::{SecretKind, hash_secret};

    /// Keys of every form that other services make are taken, tokens and what looks like them among them.
    #[test]
    fn keys_of_any_form_are_taken() {
        for key in [
            "0dKxW2pQ8sVbN4mZ7rTc1yLf9aHgE3j",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "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",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJlLW9mLXNvbWVib2R5",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "31415926535897932384",
            "a:b/c+d=e~f!g\"h'i,j;k|l",
            // One that ends as it begins doesn't repeat itself; nor is one too short that is long enough twice over.
            "sk_live_4eC39HqL_sk_",
            "0dKxW2pQ8sVbN4mZ7rTc0dKxW2pQ8sVbN4mZ7rTc",
        ] {
            assert_eq!(check_imported(key), Ok(()), "{key}");
        }
        assert_eq!(
            check_imported(SecretKind::ApiKey.generate(&SystemRng).expose()),
            Ok(()),
            "from another instance"
        );
        assert_eq!(
            check_imported(&format!("{}~~~~", "Aa1-".repeat(CREDENTIAL_BYTES_MAX / 4 - 1))),
            Ok(()),
            "the longest, not quite a repetition"
        );
    }

    /// What can be guessed, carried by no header, or is something else of ours, is refused with its reason.
    #[test]
    fn others_are_refused() {
        let whole = SecretKind::ApiKey.generate(&SystemRng);
        let whole = whole.expose();
        let token = "eyJhbGciOiJFZERTQSIsImtpZCI6ImEiLCJ0eXAiOiJ0ZW1wb3Jhcnkta2V5K2p3dCJ9.e30.c2lnbmF0dXJl";
        for (key, refusal) in [
            ("", NotImportable::TooShort { bytes: 0 }),
            ("correct-horse-batte", NotImportable::TooShort { bytes: 19 }),
            ("two words and a third", NotImportable::NotVisible),
            ("ünïcödé-ünïcödé-ünïcödé", NotImportable::NotVisible),
            ("line\r\nline\r\nline\r\nline", NotImportable::NotVisible),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", NotImportable::Guessable),
            ("12341234123412341234", NotImportable::Guessable),
            ("0123456789012345678901", NotImportable::Guessable),
            (&whole[..52], NotImportable::Mistyped),
            (SecretKind::ManagementToken.generate(&SystemRng).expose(), NotImportable::AnotherKind),
            (SecretKind::Enrolment.generate(&SystemRng).expose(), NotImportable::AnotherKind),
            (token, NotImportable::TemporaryKey),
            (
                &"x".repeat(CREDENTIAL_BYTES_MAX + 1),
                NotImportable::TooLong { bytes: CREDENTIAL_BYTES_MAX + 1 },
            ),
        ] {
            assert_eq!(check_imported(key), Err(refusal), "{key:.60}");
            assert!(key.len() < 5 || !refusal.to_string().contains(key), "the sentence must not show it");
        }
    }

    /// Hashes are read in every usual form, and nothing else is one.
    #[test]
    fn hashes_as_text() {
        let hash = hash_secret("a key that lives elsewhere");
        let standard = STANDARD.encode(hash.as_bytes());
        for text in [
            hash.to_hex(),
            hash.to_hex().to_uppercase(),
            standard.clone(),
            standard.trim_end_matches('=').to_owned(),
            encoding::encode(hash.as_bytes()),
        ] {
            assert_eq!(read_hash(&text), Some(hash), "{text}");
        }
        for text in ["", "abcd", &hash.to_hex()[1..], &standard[1..], &format!("{standard}A"), "sha256:00"] {
            assert_eq!(read_hash(text), None, "{text}");
        }
    }

    /// The hint of an imported key shows nothing of it.
    #[test]
    fn hints_come_from_the_hash() {
        assert_eq!(hash_hint(&hash_secret("abc")), "sha256:ba7816bf");
    }

    proptest! {
        /// Whatever is taken can be presented: it is a credential that the gateway looks up by its hash.
        #[test]
        fn what_is_taken_can_be_presented(key in "[ -~]{0,60}|[0-9a-f]{20,64}|[A-Za-z0-9_-]{20}\\.[a-z]{5}\\.[a-z]{5}") {
            if check_imported(&key).is_ok() {
                prop_assert!(matches!(classify(&key), Shape::ApiKey | Shape::Token | Shape::Other));
                prop_assert!(key.len() >= IMPORTED_KEY_BYTES_MIN && !key.contains(' '));
            }
        }

        /// Random keys are not taken for guessable ones.
        #[test]
        fn random_keys_are_taken(key in "[0-9a-f]{32}|[0-9A-Za-z]{20,40}") {
            prop_assert_eq!(check_imported(&key), Ok(()));
        }
    }
}
