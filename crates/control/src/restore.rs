//! The end of a restore: an instance that goes on, and revives nothing.
//!
//! Every signing key of the backup goes and a new one signs, so that no temporary key that was minted before is valid: those
//! that were revoked since can't be told from the others. Numbers jump, so that none is given twice. What else ended since is
//! carried over before, by whoever has the former database or the record of what ended.

use credentials::MasterKey;
use domain::{Algorithm, Rng, SigningKeyState, Timestamp};
use storage::{AuditAction, ChangeTx, Instance};

use crate::audit::Pseudonyms;
use crate::{Actor, ControlError, instance, signing};

/// What ending a restore needs.
pub struct RestoreEnd<'a> {
    /// The instance's master key.
    pub master_key: &'a MasterKey,
    /// The algorithm of the new signing key.
    pub algorithm: Algorithm,
    /// Now.
    pub now: Timestamp,
    /// Randomness.
    pub rng: &'a dyn Rng,
}

impl std::fmt::Debug for RestoreEnd<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreEnd").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Whether this is the master key of the instance.
pub fn is_master_key_of(instance: &Instance, master_key: &MasterKey) -> bool {
    instance::is_sealed_under(instance, master_key)
}

/// Ends a restore: all that was restored is kept, and lives on from now.
///
/// # Errors
/// When the master key is another one, or the store fails; then nothing is kept.
pub async fn end_restore(mut change: ChangeTx, end: &RestoreEnd<'_>) -> Result<(), ControlError> {
    let Some(present) = change.find_instance().await? else { return Err(ControlError::NoInstance) };
    if !instance::is_sealed_under(&present, end.master_key) {
        return Err(ControlError::WrongMasterKey);
    }
    let keys = instance::keys(Some(&present), end.master_key, end.rng)?;
    for key in change.list_signing_keys().await? {
        change.remove_signing_key(&key.verifying_key.kid).await?;
    }
    let key = signing::make(end.algorithm, SigningKeyState::Signing, end.master_key, end.now, end.rng);
    change.insert_signing_key(&key).await?;
    change.expire_invitations(end.now).await?;
    change.delete_factors_of_nobody().await?;
    let pseudonyms = Pseudonyms::new(&keys);
    let entry = pseudonyms.entry(end.now, &Actor::OPERATOR, None, AuditAction::InstanceRestored, present.id);
    drop(change.publish(&entry).await?);
    Ok(())
}
