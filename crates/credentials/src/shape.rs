//! What a presented credential looks like, before anything is looked up or verified.

use domain::limits::CREDENTIAL_BYTES_MAX;

use crate::SecretKind;
use crate::encoding::is_base64url;
use crate::secret::is_whole;

/// What a presented credential looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An API key of ours with a right checksum.
    ApiKey,
    /// A management token of ours with a right checksum.
    ManagementToken,
    /// An enrolment credential of ours with a right checksum.
    Enrolment,
    /// Parts of base64url with two dots between them, as signed tokens have. The last one may be empty: such a token
    /// is read, and refused, as one without a signature.
    Token,
    /// Anything else that may be an imported key: visible ASCII.
    Other,
    /// One of our prefixes, mistyped or cut short; or nothing that can be a credential at all.
    Mistyped,
}

/// Tells the shape.
pub fn classify(presented: &str) -> Shape {
    if presented.is_empty() || presented.len() > CREDENTIAL_BYTES_MAX {
        return Shape::Mistyped;
    }
    if let Some(kind) = SecretKind::of_prefix(presented) {
        return match kind {
            _ if !is_whole(presented) => Shape::Mistyped,
            SecretKind::ApiKey => Shape::ApiKey,
            SecretKind::ManagementToken => Shape::ManagementToken,
            SecretKind::Enrolment => Shape::Enrolment,
        };
    }
    if is_token(presented) {
        return Shape::Token;
    }
    if presented.bytes().all(|byte| byte.is_ascii_graphic()) { Shape::Other } else { Shape::Mistyped }
}

fn is_token(presented: &str) -> bool {
    let mut parts = presented.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !header.is_empty()
        && !payload.is_empty()
        && [header, payload, signature].into_iter().all(|part| are_base64url(part.as_bytes()))
}

/// Without branches, so that the compiler takes sixteen bytes at a time: tokens are long, and this stands before the
/// cache that makes them cheap.
fn are_base64url(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_base64url(*byte))
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;
    use proptest::prelude::*;

    use super::*;

    /// Each kind of secret is told by its prefix; cut short, lengthened or altered it is mistyped, never "unknown".
    #[test]
    fn our_own_secrets() {
        for (kind, shape) in [
            (SecretKind::ApiKey, Shape::ApiKey),
            (SecretKind::ManagementToken, Shape::ManagementToken),
            (SecretKind::Enrolment, Shape::Enrolment),
        ] {
            let secret = kind.generate(&SystemRng);
            let text = secret.expose();
            assert_eq!(classify(text), shape);
            for wrong in [&text[..text.len() - 1], &text[..4], &format!("{text}0"), &text.to_uppercase()] {
                assert_ne!(classify(wrong), shape, "{wrong}");
            }
            assert_eq!(classify(&text[..text.len() - 1]), Shape::Mistyped);
            assert_eq!(classify(&text.replacen("vg", "vG", 1)), Shape::Other);
        }
    }

    /// Tokens, imported keys and what can be neither.
    #[test]
    fn other_shapes() {
        for token in ["a.b.c", "eyJhbGciOiJub25lIn0.e30.", "SG.abc_-.def"] {
            assert_eq!(classify(token), Shape::Token, "{token}");
        }
        for other in ["a.b", "a.b.c.d", ".b.c", "a..c", "0123456789abcdef", "a=b.c.d", r#"{"payload":"e30"}"#]
        {
            assert_eq!(classify(other), Shape::Other, "{other}");
        }
        for nothing in ["", "two words", "tab\t", "ünïcödé", "nul\0", "line\r\n", "\u{feff}a.b.c"] {
            assert_eq!(classify(nothing), Shape::Mistyped, "{nothing:?}");
        }
        assert_eq!(classify(&"x".repeat(CREDENTIAL_BYTES_MAX)), Shape::Other);
        assert_eq!(classify(&"x".repeat(CREDENTIAL_BYTES_MAX + 1)), Shape::Mistyped);
    }

    proptest! {
        /// Any text has a shape, and what isn't visible ASCII is never taken for a credential.
        #[test]
        fn any_text_has_a_shape(text in any::<String>()) {
            let shape = classify(&text);
            if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                prop_assert_eq!(shape, Shape::Mistyped);
            }
        }
    }
}
