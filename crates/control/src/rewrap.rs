//! Sealing everything under another master key while the instance runs.

use std::sync::Arc;

use credentials::MasterKey;
use domain::SigningKeyState;
use domain::link::Revision;
use storage::{AuditAction, ChangeTx, Instance, StoreError};

use crate::control::Inner;
use crate::instance_keys::InstanceKeys;
use crate::publish::to_its_end;
use crate::{Actor, Control, ControlError, instance, master_key, signing, totp, webhook_sign};

/// What came of a re-wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// Whether anything was sealed anew; it was not where the key was the instance's already.
    pub changed: bool,
    /// Whether the data folder holds the new key by now, so that the configuration needs no change.
    pub is_kept_in_folder: bool,
}

/// Why nothing was sealed anew. The master key is the one before.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// Nobody said which key, and there is no place of ours to keep a new one.
    #[error(
        "the master key comes from the configuration, so the new one must come from somewhere, too: name its place with \
         --new-file, --new-env or --new-command"
    )]
    NoKey,
    /// What is stored can't be opened, or the new key's file can't be written.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The store failed.
    #[error("the values that were sealed anew could not be stored; the master key is still the one before")]
    Store(#[from] StoreError),
}

impl Control {
    /// Seals every private key under another master key, all of them or none, and uses it from then on. Without a key
    /// a new one is made, where the data folder keeps it. Nothing else changes: no token, no pseudonym, no `user_id`.
    ///
    /// The key that was used before opens only backups that are older than this.
    ///
    /// # Errors
    /// See [`RewrapError`].
    pub async fn rewrap(&self, actor: &Actor, new: Option<MasterKey>) -> Result<Rewrapped, RewrapError> {
        let in_folder = self.inner.config.master_key.is_folder();
        let new = match new {
            Some(new) => new,
            None if in_folder => MasterKey::generate(&*self.inner.rng),
            None => return Err(RewrapError::NoKey),
        };
        let (inner, actor) = (Arc::clone(&self.inner), *actor);
        let changed = to_its_end(async move { inner.rewrap(&actor, new).await }).await?;
        Ok(Rewrapped { changed, is_kept_in_folder: in_folder })
    }
}

impl Inner {
    /// Says whether anything was sealed anew.
    async fn rewrap(self: &Arc<Self>, actor: &Actor, new: MasterKey) -> Result<bool, RewrapError> {
        let (data_dir, in_folder) = (&self.config.data_dir, self.config.master_key.is_folder());
        let _turn = self.signing.turn().await;
        // While this is open nobody else seals anything: the key that fits now is the one that fits when everything is sealed anew.
        let change = self.store.change().await?;
        let present = change.find_instance().await?.ok_or(ControlError::WrongMasterKey)?;
        let old = self.fitting_key(&present, &new)?;
        if old.is_same_as(&new) {
            return Ok(false);
        }
        if in_folder {
            // Before anything is sealed under it. Whenever this is cut off, a start finds the key that fits.
            master_key::prepare(data_dir, &new)?;
        }
        let revision = match self.reseal(change, &present, actor, &old, &new).await {
            Ok(revision) => revision,
            Err(error) => {
                // After a failed commit nobody knows whether it happened, so the next key stays: for the next start, or the next try.
                if in_folder && !matches!(error, RewrapError::Store(_)) {
                    master_key::drop_next(data_dir);
                }
                return Err(error);
            }
        };
        self.signing.take_master_key(new);
        if in_folder {
            master_key::promote(data_dir)?;
        }
        self.gateways.wait_applied(revision).await;
        Ok(true)
    }

    /// The key that the instance is sealed under. Where a re-wrap has happened that seemed to fail, that is the folder's next one, and
    /// takes its place before anything else is written there: it may be the only one of its kind. Or it is the new one itself.
    fn fitting_key(&self, present: &Instance, new: &MasterKey) -> Result<Arc<MasterKey>, ControlError> {
        let fits = |key: &MasterKey| instance::is_sealed_under(present, key);
        if let Some(next) = master_key::read_next(&self.config)?.filter(|next| fits(next)) {
            master_key::promote(&self.config.data_dir)?;
            self.signing.take_master_key(next);
        } else if !fits(&self.signing.master_key()) {
            // Otherwise whoever shares the database has sealed it anew since this one started.
            if !fits(new) {
                return Err(ControlError::WrongMasterKey);
            }
            if self.config.master_key.is_folder() {
                master_key::prepare(&self.config.data_dir, new)?;
                master_key::promote(&self.config.data_dir)?;
            }
            self.signing.take_master_key(new.clone());
        }
        Ok(self.signing.master_key())
    }

    async fn reseal(
        self: &Arc<Self>,
        mut change: ChangeTx,
        present: &Instance,
        actor: &Actor,
        old: &MasterKey,
        new: &MasterKey,
    ) -> Result<Revision, RewrapError> {
        let rng = &*self.rng;
        for key in change.list_signing_keys().await? {
            // Of a revoked key there is nothing left to seal.
            if key.state != SigningKeyState::Revoked {
                let sealed = signing::reseal(&key, old, new, rng)?;
                change.reseal_signing_key(&key.verifying_key.kid, &sealed).await?;
            }
        }
        for stored in change.list_totp().await? {
            match totp::reseal(&stored, old, new, rng) {
                Some(sealed) => drop(change.reseal_totp(stored.account_id, &sealed).await?),
                None => tracing::error!(
                    account = %stored.account_id,
                    "the secret of an authenticator app can't be opened; it stays as it is, and its codes are refused"
                ),
            }
        }
        for stored in change.list_all_webhooks().await? {
            match webhook_sign::reseal(&stored, old, new, rng) {
                Some(sealed) => drop(change.set_webhook_secrets(&sealed).await?),
                None => tracing::error!(
                    webhook = %stored.webhook.id,
                    "a webhook's secret can't be opened; it stays as it is, and the webhook is sent nothing until it is rotated"
                ),
            }
        }
        let keys: &InstanceKeys = &self.keys;
        let sentinel = instance::seal_sentinel(present.id, new, rng);
        change.reseal_instance(&sentinel, &keys.seal(present.id, new, rng)).await?;
        let action = AuditAction::MasterKeyRewrapped;
        let entry = self.pseudonyms.entry(self.now(), actor, None, action, present.id);
        Ok(self.commit(change, entry).await?)
    }
}
