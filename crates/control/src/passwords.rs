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

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over that memory.
const PASSES: u32 = 3;
/// Hashes computed at once: each takes a core and its memory.
const HASHES_MAX: usize = 2;
/// Hashes that may wait for their turn: some seconds' worth. Whoever comes later is told to come again.
const HASHES_WAITING_MAX: usize = 30;
const SALT_BYTES: usize = 16;
/// What is computed where there is no hash to compare with. It belongs to no password that anybody knows.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords are being checked: try again in a few seconds")]
    Busy,
    /// It can't be hashed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Hashes passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    /// Those that are computed and those that wait.
    places: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    argon2: Argon2<'static>,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, ControlError> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None)
            .map_err(|error| ControlError::Password(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self {
            places: Arc::new(Semaphore::new(HASHES_MAX + HASHES_WAITING_MAX)),
            slots: Arc::new(Semaphore::new(HASHES_MAX)),
            argon2,
        })
    }

    /// The hash of a password, in PHC form.
    pub(crate) async fn hash(&self, password: &str, rng: &dyn Rng) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        rng.fill(&mut salt);
        let (password, argon2) = (Zeroizing::new(password.to_owned()), self.argon2.clone());
        self.compute(move || {
            let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash: PasswordHash| hash.to_string())
                .map_err(|error| PasswordError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether a password has this hash. Where there is none, or an unreadable one, it belongs to no password; that takes as
    /// long to find out.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool, PasswordError> {
        let (password, argon2) = (Zeroizing::new(password.to_owned()), self.argon2.clone());
        self.compute(move || {
            let known = hash.as_deref().and_then(|hash| PasswordHash::new(hash).ok());
            let is_known = known.is_some();
            let Some(hash) = known.or_else(|| PasswordHash::new(NOBODYS_HASH).ok()) else { return false };
            let is_right = argon2.verify_password(password.as_bytes(), &hash).is_ok();
            is_right && is_known
        })
        .await
    }

    /// Computes on a thread of its own. The permits travel with the work: a caller that goes away gives its place up
    /// only when the work is done, so that impatient callers can't pile work up.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let slots = Arc::clone(&self.slots);
        let permit = slots.acquire_owned().await.expect("this semaphore is never closed");
        let worked = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((permit, place));
            result
        });
        match worked.await {
            Ok(result) => Ok(result),
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
        assert!(passwords.verify("correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Correct horse", Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct horse", Some(String::from("no hash"))).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
        assert_ne!(passwords.hash("correct horse", &SystemRng).await.unwrap(), hash);
    }

    /// What is compared where there is no account costs what an account's password costs.
    #[test]
    fn nobodys_hash_costs_the_same() {
        let hash = PasswordHash::new(NOBODYS_HASH).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, 1));
        assert_eq!(hash.hash.unwrap().len(), 32);
    }

    /// No more wait than there are places, and whoever finds none is told at once; a caller that goes away leaves its place
    /// only when the work is done.
    #[tokio::test]
    async fn the_pool_is_bounded() {
        let passwords = Arc::new(Passwords::new().unwrap());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let places = HASHES_MAX + HASHES_WAITING_MAX;
        let callers: Vec<_> = (0..places)
            .map(|_| {
                let (passwords, held) = (Arc::clone(&passwords), Arc::clone(&held));
                tokio::spawn(
                    async move { passwords.compute(move || held.lock().unwrap().recv().unwrap()).await },
                )
            })
            .collect();
        while passwords.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(passwords.verify("x", None).await, Err(PasswordError::Busy)));
        while passwords.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        // Those that wait go away at once; those that are computed go on without their callers.
        for caller in callers {
            caller.abort();
            drop(caller.await);
        }
        assert_eq!(passwords.places.available_permits(), places - HASHES_MAX);
        assert_eq!(passwords.slots.available_permits(), 0);
        for _ in 0..HASHES_MAX {
            release.send(()).unwrap();
        }
        while passwords.places.available_permits() < places {
            tokio::task::yield_now().await;
        }
        assert!(!passwords.verify("x", None).await.unwrap());
    }
}
