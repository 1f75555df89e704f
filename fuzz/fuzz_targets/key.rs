//! Any text has a shape, and a text with one of our prefixes has ours only if its checksum is right: a secret made from the
//! same randomness is whole, and one character less or more is not.
#![no_main]

use credentials::{SecretKind, Shape, classify, hash_secret};
use domain::Rng;
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Given<'a>(&'a [u8]);

impl Rng for Given<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
        for (byte, given) in bytes.iter_mut().zip(self.0) {
            *byte = *given;
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let shape = classify(&text);
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        assert_eq!(shape, Shape::Mistyped);
    }
    let ours = [
        (SecretKind::ApiKey, Shape::ApiKey),
        (SecretKind::ManagementToken, Shape::ManagementToken),
        (SecretKind::Enrolment, Shape::Enrolment),
    ];
    for (kind, expected) in ours {
        let secret = kind.generate(&Given(data));
        let whole = secret.expose();
        assert_eq!(classify(whole), expected);
        assert_eq!(classify(&whole[..whole.len() - 1]), Shape::Mistyped);
        assert_eq!(classify(&format!("{whole}0")), Shape::Mistyped);
        assert!(!whole.contains(&secret.hint()));
        assert_eq!(shape == expected, text.starts_with(kind.prefix()) && shape != Shape::Mistyped);
        assert_eq!(secret.hash() == hash_secret(&text), whole == text);
    }
});
