//! First start, and every start after it.

use std::sync::Arc;

use credentials::MasterKey;
use domain::{InstanceId, PlanLimits, Rng, SigningKeyState, Timestamp, Workspace};
use storage::{AuditAction, AuditEntry, ChangeTx, Instance, Store};

use crate::audit::Pseudonyms;
use crate::control::Inner;
use crate::instance_keys::InstanceKeys;
use crate::signing;
use crate::{Actor, ControlConfig, ControlError};

/// What a start needs.
pub(crate) struct Start<'a> {
    pub(crate) store: &'a Store,
    pub(crate) config: &'a ControlConfig,
    pub(crate) master_key: &'a MasterKey,
    pub(crate) keys: &'a InstanceKeys,
    pub(crate) pseudonyms: &'a Pseudonyms,
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a dyn Rng,
}

const SENTINEL: &[u8] = b"voxgate";

fn sentinel_context(id: InstanceId) -> String {
    format!("instance/{id}")
}

/// Something sealed under the master key, by which a wrong one is found out.
pub(crate) fn seal_sentinel(id: InstanceId, master_key: &MasterKey, rng: &dyn Rng) -> Vec<u8> {
    master_key.seal(&sentinel_context(id), SENTINEL, rng)
}

/// Whether this is the instance's master key.
pub(crate) fn is_sealed_under(present: &Instance, master_key: &MasterKey) -> bool {
    let opened = master_key.open(&sentinel_context(present.id), &present.sentinel);
    opened.is_ok_and(|opened| opened.as_slice() == SENTINEL)
}

/// The instance's own keys: new ones for a new instance.
pub(crate) fn keys(
    present: Option<&Instance>,
    master_key: &MasterKey,
    rng: &dyn Rng,
) -> Result<InstanceKeys, ControlError> {
    match present.map(|present| (present.id, &present.sealed_keys)) {
        None => Ok(InstanceKeys::generate(rng)),
        Some((_, None)) => Ok(InstanceKeys::of_first_release(master_key)),
        Some((id, Some(sealed))) => {
            InstanceKeys::open(id, master_key, sealed).map_err(|_| ControlError::InstanceKeysDamaged)
        }
    }
}

/// The instance as this change finds it, which another node may have sealed anew since it was read last.
///
/// # Errors
/// When this is its master key no more.
async fn sealed_under(change: &ChangeTx, master_key: &MasterKey) -> Result<Instance, ControlError> {
    let present = change.find_instance().await?;
    present.filter(|present| is_sealed_under(present, master_key)).ok_or(ControlError::WrongMasterKey)
}

impl Inner {
    /// The master key, for what is sealed within this change. Another node may have sealed everything under another one, and what
    /// is sealed under the one before could never be opened.
    pub(crate) async fn sealing_key(&self, change: &ChangeTx) -> Result<Arc<MasterKey>, ControlError> {
        let master_key = self.signing.master_key();
        sealed_under(change, &master_key).await?;
        Ok(master_key)
    }
}

impl Start<'_> {
    /// The instance: the one that is there, or a new one with its first signing key.
    pub(crate) async fn instance(&self, present: Option<Instance>) -> Result<InstanceId, ControlError> {
        let Some(present) = present else {
            return self.make_instance().await;
        };
        if present.sealed_keys.is_none() {
            let mut change = self.store.change().await?;
            let present = sealed_under(&change, self.master_key).await?;
            let sealed = self.keys.seal(present.id, self.master_key, self.rng);
            change.reseal_instance(&present.sentinel, &sealed).await?;
            self.keep(change, AuditAction::InstanceKeysKept, present.id).await?;
        }
        Ok(present.id)
    }

    async fn make_instance(&self) -> Result<InstanceId, ControlError> {
        let id = InstanceId::generate(self.now, self.rng);
        let sentinel = seal_sentinel(id, self.master_key, self.rng);
        let sealed_keys = Some(self.keys.seal(id, self.master_key, self.rng));
        // Nobody verifies yet, so the first key signs at once.
        let state = SigningKeyState::Signing;
        let key = signing::make(self.config.algorithm, state, self.master_key, self.now, self.rng);
        let mut change = self.store.change().await?;
        change.insert_instance(&Instance { id, created_at: self.now, sentinel, sealed_keys }).await?;
        change.insert_signing_key(&key).await?;
        self.keep(change, AuditAction::InstanceCreated, id).await?;
        Ok(id)
    }

    /// Tells gateways of limits that the configuration changed since they were told.
    pub(crate) async fn refresh_limits(&self) -> Result<(), ControlError> {
        for (workspace, told) in self.store.list_workspaces_with_limits().await? {
            let limits = self.config.plan_limits.of(&workspace);
            if limits != told {
                self.set_limits(&workspace, limits).await?;
            }
        }
        Ok(())
    }

    async fn set_limits(&self, workspace: &Workspace, limits: PlanLimits) -> Result<(), ControlError> {
        let mut change = self.store.change().await?;
        change.set_workspace_limits(workspace.id, limits).await?;
        self.keep(change, AuditAction::WorkspaceLimitsChanged, workspace.id).await
    }

    /// Commits before there are tables and gateways to tell: they begin with a snapshot.
    async fn keep(
        &self,
        change: ChangeTx,
        action: AuditAction,
        subject: impl ToString,
    ) -> Result<(), ControlError> {
        let entry: AuditEntry = self.pseudonyms.entry(self.now, &Actor::SYSTEM, None, action, subject);
        drop(change.publish(&entry).await?);
        Ok(())
    }
}
