//! Passwords: hashed by argon2id, a few at a time, off the async threads.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use credentials::PlainSecret;
use domain::Rng;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::{Control, ControlError};

/// A password, in characters, at least.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// A password, in bytes, at most: longer ones are refused before anything is computed.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Hashes computed at once: each takes a core and its memory.
const HASHES_MAX: usize = 2;
const SALT_BYTES: usize = 16;

/// Hashes passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
    argon2: Argon2<'static>,
}

/// Whether a password may be chosen.
pub(crate) fn is_acceptable(password: &str) -> bool {
    password.len() <= PASSWORD_BYTES_MAX && password.chars().count() >= PASSWORD_CHARACTERS_MIN
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, ControlError> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None)
            .map_err(|error| ControlError::Password(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { slots: Arc::new(Semaphore::new(HASHES_MAX)), argon2 })
    }

    /// The hash of a password, in PHC form.
    pub(crate) async fn hash(&self, password: &str, rng: &dyn Rng) -> Result<String, ControlError> {
        let mut salt = [0; SALT_BYTES];
        rng.fill(&mut salt);
        let (password, argon2) = (Zeroizing::new(password.to_owned()), self.argon2.clone());
        self.compute(move || {
            let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash: PasswordHash| hash.to_string())
                .map_err(|error| ControlError::Password(error.to_string()))
        })
        .await
    }

    /// Whether a password has this hash. An unreadable hash belongs to no password.
    pub(crate) async fn verify(&self, password: &str, hash: String) -> bool {
        let (password, argon2) = (Zeroizing::new(password.to_owned()), self.argon2.clone());
        self.compute(move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
    }

    /// Computes on a thread of its own. The permit travels with the work: a caller that goes away gives its slot up
    /// only when the work is done, so that impatient callers can't pile work up.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let slots = Arc::clone(&self.slots);
        let permit = slots.acquire_owned().await.expect("this semaphore is never closed");
        let worked = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        match worked.await {
            Ok(result) => result,
            Err(error) => crate::publish::resume(error).await,
        }
    }
}

impl Control {
    /// A password that nobody guesses, for an account whose owner is told it and changes it.
    pub fn make_password(&self) -> PlainSecret {
        PlainSecret::new(format!("{:032x}", self.inner.rng.next_u128()))
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRng;

    use super::*;

    /// A password is recognised by its hash and no other is; the hash tells its parameters; hashes are salted.
    #[tokio::test]
    async fn only_the_right_password_is_recognised() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse", &SystemRng).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse", hash.clone()).await);
        assert!(!passwords.verify("Correct horse", hash.clone()).await);
        assert!(!passwords.verify("correct horse", String::from("no hash")).await);
        assert_ne!(passwords.hash("correct horse", &SystemRng).await.unwrap(), hash);
    }

    /// The length limits hold on both sides.
    #[test]
    fn lengths() {
        for (length, acceptable) in [
            (PASSWORD_CHARACTERS_MIN - 1, false),
            (PASSWORD_CHARACTERS_MIN, true),
            (PASSWORD_BYTES_MAX, true),
            (PASSWORD_BYTES_MAX + 1, false),
        ] {
            assert_eq!(is_acceptable(&"x".repeat(length)), acceptable, "{length}");
        }
        assert!(!is_acceptable("äöüäöü"), "characters count, not their bytes");
    }
}
