//! The life of signing keys: published before first use, signing, kept until the last token has expired, then gone; or
//! revoked at any moment, with everything that they signed.

use std::sync::Arc;

use domain::limits::SIGNING_KEYS_MAX;
use domain::link::Revision;
use domain::{Algorithm, Kid, SigningKeyState, Timestamp};
use storage::{AuditAction, AuditEntry, StoreError, StoredSigningKey};

use crate::control::Inner;
use crate::publish::to_its_end;
use crate::signing::{self, in_state};
use crate::{Actor, Control, ControlError};

/// A signing key, without its private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyInfo {
    /// Its name in token headers.
    pub kid: Kid,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Where it stands in its life.
    pub state: SigningKeyState,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// When it begins to sign, while it waits for that.
    pub signs_from: Option<Timestamp>,
    /// From when on nothing that it signed is valid; for a revoked key since when.
    pub retired_at: Option<Timestamp>,
}

/// When a new signing key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignFrom {
    /// When everybody had the time to fetch it: after `publish_ahead_seconds`.
    PublishedAhead,
    /// At once, as far as gateways go. Offline verifiers that keep the key set refuse its tokens until they fetch it anew.
    Now,
}

/// What came of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotatedSigningKey {
    /// The key that signs next, or by now.
    pub key: SigningKeyInfo,
    /// The newest revision.
    pub revision: Revision,
}

/// Why signing keys were not moved on.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// No such key.
    #[error("there is no signing key {0}: list them to see those that are")]
    NotFound(Kid),
    /// It was revoked before.
    #[error("the signing key {0} was revoked already")]
    AlreadyRevoked(Kid),
    /// The key set would be too large to be read.
    #[error(
        "there are {SIGNING_KEYS_MAX} signing keys, as many as a key set may hold: wait until the oldest have retired, or \
         revoke one"
    )]
    TooMany,
    /// A stored key can't be opened.
    #[error(transparent)]
    Key(#[from] ControlError),
    /// The store failed.
    #[error("the signing keys could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// The signing keys, oldest first, revoked ones included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKeyInfo>, StoreError> {
        let stored = self.inner.store.list_signing_keys().await?;
        Ok(stored.iter().map(|key| self.inner.describe(key)).collect())
    }

    /// Brings a new signing key. It is published at once and signs after the usual time, or now. What the present one
    /// signed stays valid until it expires.
    ///
    /// # Errors
    /// See [`SigningKeyError`].
    pub async fn rotate_signing_key(
        &self,
        actor: &Actor,
        from: SignFrom,
    ) -> Result<RotatedSigningKey, SigningKeyError> {
        let (inner, actor) = (Arc::clone(&self.inner), *actor);
        to_its_end(async move { inner.rotate_signing_key(&actor, from).await }).await
    }

    /// Revokes a signing key that someone else may have had: everything that it signed is refused when this returns, and
    /// the sessions that were opened with it have ended. If it was the one that signs, a new one signs instead.
    ///
    /// # Errors
    /// See [`SigningKeyError`].
    pub async fn revoke_signing_key(&self, actor: &Actor, kid: &Kid) -> Result<Revision, SigningKeyError> {
        let (inner, actor, kid) = (Arc::clone(&self.inner), *actor, kid.clone());
        to_its_end(async move { inner.revoke_signing_key(&actor, &kid).await }).await
    }

    /// Moves signing keys on in their life where it is time. It is done by itself every minute.
    ///
    /// # Errors
    /// See [`SigningKeyError`].
    pub async fn tend_signing_keys(&self) -> Result<(), SigningKeyError> {
        self.inner.tend_signing_keys().await
    }
}

impl Inner {
    async fn rotate_signing_key(
        self: &Arc<Self>,
        actor: &Actor,
        from: SignFrom,
    ) -> Result<RotatedSigningKey, SigningKeyError> {
        let _turn = self.signing.turn().await;
        let next = self.next_signing_key(actor).await?;
        let key = match from {
            SignFrom::PublishedAhead => next,
            SignFrom::Now => self.begin_signing(actor, next).await?,
        };
        Ok(RotatedSigningKey { key: self.describe(&key), revision: self.tables.revision() })
    }

    async fn revoke_signing_key(
        self: &Arc<Self>,
        actor: &Actor,
        kid: &Kid,
    ) -> Result<Revision, SigningKeyError> {
        let _turn = self.signing.turn().await;
        loop {
            let stored = self.store.list_signing_keys().await?;
            match stored.iter().find(|key| key.verifying_key.kid == *kid).map(|key| key.state) {
                None => return Err(SigningKeyError::NotFound(kid.clone())),
                Some(SigningKeyState::Revoked) => return Err(SigningKeyError::AlreadyRevoked(kid.clone())),
                // Its successor signs before it goes, so that nobody is handed a key that is dead.
                Some(SigningKeyState::Signing) => {
                    let next = self.next_signing_key(actor).await?;
                    self.begin_signing(actor, next).await?;
                }
                Some(SigningKeyState::Published | SigningKeyState::Retiring) => {}
            }
            let mut change = self.store.change().await?;
            let signing = change.list_signing_keys().await?;
            if in_state(&signing, SigningKeyState::Signing).is_some_and(|key| key.verifying_key.kid == *kid) {
                // Another node has let it sign meanwhile.
                continue;
            }
            change.revoke_signing_key(kid, self.now()).await?;
            let entry = self.signing_entry(actor, AuditAction::SigningKeyRevoked, kid);
            let revision = self.publish(change, entry).await?;
            self.show_signing_keys().await?;
            return Ok(revision);
        }
    }

    /// Lets go of keys that have retired, publishes the next one before the present one is too old, and lets it sign when
    /// it was published long enough.
    pub(crate) async fn tend_signing_keys(self: &Arc<Self>) -> Result<(), SigningKeyError> {
        let tended = self.move_signing_keys_on().await;
        tended.and(self.take_over_signing_keys().await)
    }

    async fn move_signing_keys_on(self: &Arc<Self>) -> Result<(), SigningKeyError> {
        let _turn = self.signing.turn().await;
        let stored = self.remove_retired_keys().await?;
        let config = &self.config;
        let now = self.now();
        let waiting = in_state(&stored, SigningKeyState::Published);
        if let Some(waiting) = waiting {
            if self.signs_from(waiting) <= now {
                self.begin_signing(&Actor::SYSTEM, waiting.clone()).await?;
            }
            return Ok(());
        }
        let current = in_state(&stored, SigningKeyState::Signing).ok_or(ControlError::NoSigningKey)?;
        let days = i64::from(config.signing_key_days_max);
        let replace_from =
            current.created_at.plus_seconds(days * 24 * 3600 - i64::from(config.publish_ahead_seconds));
        if replace_from <= now || current.verifying_key.algorithm != config.algorithm {
            self.next_signing_key(&Actor::SYSTEM).await?;
        }
        Ok(())
    }

    /// Takes over what became of the signing keys, where this node doesn't know: another one has moved them on, or it could not
    /// learn what became of a change of its own.
    pub(crate) async fn take_over_signing_keys(&self) -> Result<(), SigningKeyError> {
        if !self.signing.take_stale() {
            return Ok(());
        }
        let _turn = self.signing.turn().await;
        let taken = self.read_signing_keys().await;
        if taken.is_err() {
            self.signing.mark_stale();
        }
        taken
    }

    async fn read_signing_keys(&self) -> Result<(), SigningKeyError> {
        let stored = self.store.list_signing_keys().await?;
        let signing = in_state(&stored, SigningKeyState::Signing).ok_or(ControlError::NoSigningKey)?;
        if signing.verifying_key.kid != *self.signing.current().kid() {
            let opened = signing::open(signing, &self.signing.master_key())?;
            self.signing.sign_with(Arc::new(opened));
        }
        self.signing.show(&stored);
        Ok(())
    }

    async fn remove_retired_keys(self: &Arc<Self>) -> Result<Vec<StoredSigningKey>, SigningKeyError> {
        let (mut stored, now) = (self.store.list_signing_keys().await?, self.now());
        let is_over = |key: &StoredSigningKey| {
            key.state == SigningKeyState::Retiring
                && key.verifying_key.retired_at.is_some_and(|retired_at| retired_at <= now)
        };
        if !stored.iter().any(is_over) {
            return Ok(stored);
        }
        for key in stored.iter().filter(|key| is_over(key)) {
            let kid = &key.verifying_key.kid;
            let mut change = self.store.change().await?;
            change.remove_signing_key(kid).await?;
            let mut entry = self.signing_entry(&Actor::SYSTEM, AuditAction::SigningKeyMoved, kid);
            entry.detail = String::from("removed: everything that it signed has expired");
            self.publish(change, entry).await?;
        }
        stored.retain(|key| !is_over(key));
        self.signing.show(&stored);
        Ok(stored)
    }

    /// The key that waits to sign. Where there is none, one is made, and everybody knows it before it signs anything.
    async fn next_signing_key(self: &Arc<Self>, actor: &Actor) -> Result<StoredSigningKey, SigningKeyError> {
        let mut change = self.store.change().await?;
        let stored = change.list_signing_keys().await?;
        if let Some(waiting) = in_state(&stored, SigningKeyState::Published) {
            return Ok(waiting.clone());
        }
        if stored.iter().filter(|key| key.state != SigningKeyState::Revoked).count() >= SIGNING_KEYS_MAX {
            return Err(SigningKeyError::TooMany);
        }
        let (state, master_key) = (SigningKeyState::Published, self.sealing_key(&change).await?);
        let key = signing::make(self.config.algorithm, state, &master_key, self.now(), &*self.rng);
        change.insert_signing_key(&key).await?;
        let entry = self.signing_entry(actor, AuditAction::SigningKeyCreated, &key.verifying_key.kid);
        self.publish(change, entry).await?;
        self.show_signing_keys().await?;
        Ok(key)
    }

    /// Lets a published key sign in place of the present one. Every gateway knows it: it was waited for when the key was
    /// published.
    async fn begin_signing(
        self: &Arc<Self>,
        actor: &Actor,
        next: StoredSigningKey,
    ) -> Result<StoredSigningKey, SigningKeyError> {
        let opened = signing::open(&next, &self.signing.master_key())?;
        let before = self.signing.sign_with(Arc::new(opened));
        if let Err(error) = self.move_on(actor, &next.verifying_key.kid).await {
            // What was signed in between is good: the key is published. Which one signs is for the store to say: the commit may
            // have happened nevertheless.
            self.signing.sign_with(before);
            self.signing.mark_stale();
            drop(self.read_signing_keys().await);
            return Err(error);
        }
        self.show_signing_keys().await?;
        Ok(StoredSigningKey { state: SigningKeyState::Signing, ..next })
    }

    async fn move_on(self: &Arc<Self>, actor: &Actor, next: &Kid) -> Result<(), SigningKeyError> {
        let mut change = self.store.change().await?;
        // Only now is it known when the last token of the key before was signed, so only now how long it must be kept.
        let retired_at = self.now().plus_seconds(self.token_lifetime_seconds(&change).await?);
        let stored = change.list_signing_keys().await?;
        // The store says which key signs, and whether the next one still waits: another node may have moved them on.
        if !stored.iter().any(|key| key.verifying_key.kid == *next && key.state == SigningKeyState::Published)
        {
            return Err(SigningKeyError::NotFound(next.clone()));
        }
        let before = in_state(&stored, SigningKeyState::Signing).ok_or(ControlError::NoSigningKey)?;
        let before = &before.verifying_key.kid;
        change.set_signing_key_state(before, SigningKeyState::Retiring, Some(retired_at)).await?;
        change.set_signing_key_state(next, SigningKeyState::Signing, None).await?;
        let mut entry = self.signing_entry(actor, AuditAction::SigningKeyMoved, next);
        entry.detail = format!("signs; {before} verifies until {retired_at}");
        self.publish(change, entry).await?;
        Ok(())
    }

    async fn show_signing_keys(&self) -> Result<(), StoreError> {
        self.signing.show(&self.store.list_signing_keys().await?);
        Ok(())
    }

    fn signs_from(&self, published: &StoredSigningKey) -> Timestamp {
        published.created_at.plus_seconds(i64::from(self.config.publish_ahead_seconds))
    }

    fn describe(&self, key: &StoredSigningKey) -> SigningKeyInfo {
        SigningKeyInfo {
            kid: key.verifying_key.kid.clone(),
            algorithm: key.verifying_key.algorithm,
            state: key.state,
            created_at: key.created_at,
            signs_from: (key.state == SigningKeyState::Published).then(|| self.signs_from(key)),
            retired_at: key.verifying_key.retired_at,
        }
    }

    fn signing_entry(&self, actor: &Actor, action: AuditAction, kid: &Kid) -> AuditEntry {
        self.pseudonyms.entry(self.now(), actor, None, action, kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What could not be read of another node's keys is read the next time; once it is read it isn't read again.
    #[tokio::test]
    async fn what_could_not_be_taken_over_is_taken_over_later() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::in_folder(folder.path()).await;
        let inner = &control.inner;
        inner.signing.mark_stale();
        inner.take_over_signing_keys().await.unwrap();
        assert!(!inner.signing.take_stale());
        inner.signing.mark_stale();
        inner.store.clone().close().await.unwrap();
        assert!(inner.take_over_signing_keys().await.is_err());
        assert!(inner.signing.take_stale());
    }
}
