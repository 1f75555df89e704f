//! Keyed hashes, for ids that others may see and nobody may undo.

use aws_lc_rs::hmac;

/// HMAC-SHA-256 over the parts, each with its length before it: no two lists of parts make the same input.
pub fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    hash
}

/// HMAC-SHA-256 over bytes as they are, for whoever verifies by a standard.
pub fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Different parts give different hashes, however their bytes are shared out between the parts.
        #[test]
        fn parts_do_not_run_together(
            one in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..4),
            other in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..4),
        ) {
            let hash = |parts: &[Vec<u8>]| {
                keyed_hash(&[7; 32], &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(one == other, hash(&one) == hash(&other));
        }
    }

    /// HMAC-SHA-256 is the one that others compute: case 2 of RFC 4231, section 4.3.
    #[test]
    fn the_hash_is_the_standard_one() {
        let hash = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    /// Another key gives another hash.
    #[test]
    fn the_key_matters() {
        assert_ne!(keyed_hash(&[1; 32], &[b"part"]), keyed_hash(&[2; 32], &[b"part"]));
        assert_eq!(keyed_hash(&[1; 32], &[b"part"]), keyed_hash(&[1; 32], &[b"part"]));
    }
}
