//! Signing keys in memory: the one that signs, the public ones, and the master key that the private ones are sealed under.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use credentials::{Jwks, MasterKey, SigningKey};
use domain::link::Change;
use domain::{Algorithm, Kid, Rng, SigningKeyState, Timestamp, VerifyingKey};
use storage::StoredSigningKey;
use tokio::sync::{Mutex, MutexGuard};

use crate::ControlError;

/// The key that signs, and the public keys of all that may have signed what is still valid.
#[derive(Debug)]
pub(crate) struct Signing {
    current: ArcSwap<SigningKey>,
    jwks: ArcSwap<Jwks>,
    master_key: ArcSwap<MasterKey>,
    /// Held while keys are moved on in their life or sealed anew.
    turn: Mutex<()>,
    /// Another node has moved keys on.
    is_stale: AtomicBool,
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

fn damaged(kid: &Kid, source: Option<credentials::KeyError>) -> ControlError {
    ControlError::SigningKeyDamaged { kid: kid.to_string(), source }
}

/// Opens a stored signing key.
pub(crate) fn open(stored: &StoredSigningKey, master_key: &MasterKey) -> Result<SigningKey, ControlError> {
    let VerifyingKey { kid, algorithm, .. } = &stored.verifying_key;
    let pkcs8 = master_key.open(&context(kid), &stored.sealed_private_key).map_err(|_| damaged(kid, None))?;
    SigningKey::from_pkcs8(kid, *algorithm, &pkcs8).map_err(|error| damaged(kid, Some(error)))
}

/// Seals a stored signing key under another master key.
pub(crate) fn reseal(
    stored: &StoredSigningKey,
    from: &MasterKey,
    to: &MasterKey,
    rng: &dyn Rng,
) -> Result<Vec<u8>, ControlError> {
    let kid = &stored.verifying_key.kid;
    let pkcs8 = from.open(&context(kid), &stored.sealed_private_key).map_err(|_| damaged(kid, None))?;
    Ok(to.seal(&context(kid), &pkcs8, rng))
}

/// The key in this state among the stored ones; there is one at most that signs or waits to.
pub(crate) fn in_state(stored: &[StoredSigningKey], state: SigningKeyState) -> Option<&StoredSigningKey> {
    stored.iter().find(|key| key.state == state)
}

/// What anybody may verify with: all but those in doubt.
fn public(stored: &[StoredSigningKey]) -> Jwks {
    let good = stored.iter().filter(|key| key.state != SigningKeyState::Revoked);
    Jwks::from_keys(&good.map(|key| key.verifying_key.clone()).collect::<Vec<_>>())
}

impl Signing {
    /// Opens what is stored.
    pub(crate) fn open(stored: &[StoredSigningKey], master_key: MasterKey) -> Result<Self, ControlError> {
        let signing = in_state(stored, SigningKeyState::Signing).ok_or(ControlError::NoSigningKey)?;
        Ok(Self {
            current: ArcSwap::from_pointee(open(signing, &master_key)?),
            jwks: ArcSwap::from_pointee(public(stored)),
            master_key: ArcSwap::from_pointee(master_key),
            turn: Mutex::default(),
            is_stale: AtomicBool::new(false),
        })
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<SigningKey>> {
        self.current.load()
    }

    /// Has another key sign from now on; returns the one before.
    pub(crate) fn sign_with(&self, key: Arc<SigningKey>) -> Arc<SigningKey> {
        self.current.swap(key)
    }

    /// The public keys.
    pub(crate) fn jwks(&self) -> Arc<Jwks> {
        self.jwks.load_full()
    }

    /// Tells the public keys of what is stored now.
    pub(crate) fn show(&self, stored: &[StoredSigningKey]) {
        self.jwks.store(Arc::new(public(stored)));
    }

    /// The master key.
    pub(crate) fn master_key(&self) -> Arc<MasterKey> {
        self.master_key.load_full()
    }

    /// Takes another master key, under which everything is sealed by now.
    pub(crate) fn take_master_key(&self, key: MasterKey) {
        self.master_key.store(Arc::new(key));
    }

    /// Remembers that another node has moved keys on, if it has.
    pub(crate) fn note_changes(&self, changes: &[Change]) {
        let concerns = |change: &Change| {
            matches!(
                change,
                Change::SigningKey(_) | Change::SigningKeyRemoved { .. } | Change::SigningKeyRevoked { .. }
            )
        };
        if changes.iter().any(concerns) {
            self.mark_stale();
        }
    }

    /// Remembers that anything may have become of the keys.
    pub(crate) fn mark_stale(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// Whether another node has moved keys on since this was asked last.
    pub(crate) fn take_stale(&self) -> bool {
        self.is_stale.swap(false, Ordering::AcqRel)
    }

    /// Waits for the turn to move keys on or to seal them anew.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }
}
