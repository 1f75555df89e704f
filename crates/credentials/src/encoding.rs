//! base64url as JOSE wants it: without padding, and with one text only for each byte string.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn encode_onto(bytes: &[u8], text: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Refuses padding, other alphabets, and trailing bits that aren't zero: two texts never mean the same bytes.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The same into a buffer of known size; any other length is refused.
pub(crate) fn decode_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Whether `byte` is of the base64url alphabet.
pub(crate) const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte string has exactly one text: padding, the other alphabet and stray trailing bits are refused.
    #[test]
    fn only_the_canonical_text_is_read() {
        assert_eq!(decode("AQ").as_deref(), Some([1].as_slice()));
        for text in ["AR", "AQ==", "AQ=", "A", "A+", "A/", " AQ", "AQ\n"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
        assert_eq!(decode_exact::<2>("AQ"), None);
    }
}
