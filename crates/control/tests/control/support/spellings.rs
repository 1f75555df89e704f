//! The ways in which somebody could have written a secret down.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// A secret as it is, as digits, and in base64.
pub(crate) fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut spellings = vec![secret.to_vec(), digits.to_uppercase().into_bytes(), digits.into_bytes()];
    for shift in 0..3 {
        // Inside of something longer, base64 has three ways to write the same; the edges depend on what is around.
        let padded = [vec![0; shift], secret.to_vec()].concat();
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let written = engine.encode(&padded).into_bytes();
            spellings.push(written[4..written.len() - 2].to_vec());
        }
    }
    spellings
}

pub(crate) fn contains(written: &[u8], spelling: &[u8]) -> bool {
    written.windows(spelling.len()).any(|window| window == spelling)
}
