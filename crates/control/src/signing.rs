//! Signing keys: made, sealed, opened, and moved on in their life.

use std::sync::Arc;

use arc_swap::ArcSwap;
use credentials::{Jwks, MasterKey, SigningKey};
use domain::{Algorithm, Kid, Rng, SigningKeyState, Timestamp, VerifyingKey};
use storage::{ChangeTx, StoreError, StoredSigningKey};

use crate::ControlError;

/// The key that signs, and the public keys of all that may have signed what is still valid.
#[derive(Debug)]
pub(crate) struct Signing {
    current: ArcSwap<SigningKey>,
    jwks: ArcSwap<Jwks>,
}

fn context(kid: &Kid) -> String {
    format!("signing_key/{kid}")
}

/// A new signing key, ready to be kept.
pub(crate) fn make(
    algorithm: Algorithm,
    state: SigningKeyState,
    master_key: &MasterKey,
    now: Timestamp,
    rng: &dyn Rng,
) -> StoredSigningKey {
    let key = SigningKey::generate(algorithm, rng);
    StoredSigningKey {
        sealed_private_key: master_key.seal(&context(key.kid()), &key.to_pkcs8(), rng),
        verifying_key: key.verifying_key(),
        state,
        created_at: now,
    }
}

fn open(stored: &StoredSigningKey, master_key: &MasterKey) -> Result<SigningKey, ControlError> {
    let VerifyingKey { kid, algorithm, .. } = &stored.verifying_key;
    let damaged = |source| ControlError::SigningKeyDamaged { kid: kid.to_string(), source };
    let pkcs8 = master_key.open(&context(kid), &stored.sealed_private_key).map_err(|_| damaged(None))?;
    SigningKey::from_pkcs8(kid, *algorithm, &pkcs8).map_err(|error| damaged(Some(error)))
}

/// The key that signs among the stored ones.
pub(crate) fn current(stored: &[StoredSigningKey]) -> Option<&StoredSigningKey> {
    stored.iter().find(|key| key.state == SigningKeyState::Signing)
}

impl Signing {
    /// Opens what is stored.
    pub(crate) fn open(stored: &[StoredSigningKey], master_key: &MasterKey) -> Result<Self, ControlError> {
        let signing = current(stored).ok_or(ControlError::NoSigningKey)?;
        let public: Vec<VerifyingKey> = stored.iter().map(|key| key.verifying_key.clone()).collect();
        Ok(Self {
            current: ArcSwap::from_pointee(open(signing, master_key)?),
            jwks: ArcSwap::from_pointee(Jwks::from_keys(&public)),
        })
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<SigningKey>> {
        self.current.load()
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Arc<Jwks> {
        self.jwks.load_full()
    }
}

/// Replaces the key that signs by a new one: the old one retires, and is kept until the last temporary key that it
/// signed has expired.
pub(crate) async fn replace(
    change: &mut ChangeTx,
    old: &Kid,
    new: &StoredSigningKey,
    retired_at: Timestamp,
) -> Result<(), StoreError> {
    change.set_signing_key_state(old, SigningKeyState::Retiring, Some(retired_at)).await?;
    change.insert_signing_key(new).await
}
