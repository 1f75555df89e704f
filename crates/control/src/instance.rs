//! First start, and every start after it.

use credentials::MasterKey;
use domain::{InstanceId, PlanLimits, SigningKeyState, Timestamp, Workspace};
use storage::{AuditAction, AuditEntry, ChangeTx, Instance, Store, StoredSigningKey};

use crate::audit::Pseudonyms;
use crate::signing;
use crate::{Actor, ControlConfig, ControlError};

/// What a start needs.
pub(crate) struct Start<'a> {
    pub(crate) store: &'a Store,
    pub(crate) config: &'a ControlConfig,
    pub(crate) master_key: &'a MasterKey,
    pub(crate) pseudonyms: &'a Pseudonyms,
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a dyn domain::Rng,
}

const SENTINEL: &[u8] = b"voxgate";

fn sentinel_context(id: InstanceId) -> String {
    format!("instance/{id}")
}

impl Start<'_> {
    /// The instance: the one that is there, if this is its master key, else a new one with its first signing key.
    pub(crate) async fn instance(&self, present: Option<Instance>) -> Result<InstanceId, ControlError> {
        let Some(present) = present else {
            return self.make_instance().await;
        };
        match self.master_key.open(&sentinel_context(present.id), &present.sentinel) {
            Ok(opened) if opened.as_slice() == SENTINEL => Ok(present.id),
            Ok(_) | Err(_) => Err(ControlError::WrongMasterKey),
        }
    }

    async fn make_instance(&self) -> Result<InstanceId, ControlError> {
        let id = InstanceId::generate(self.now, self.rng);
        let sentinel = self.master_key.seal(&sentinel_context(id), SENTINEL, self.rng);
        // Nobody verifies yet, so the first key signs at once.
        let key = self.make_signing_key(SigningKeyState::Signing);
        let mut change = self.store.change().await?;
        change.insert_instance(&Instance { id, created_at: self.now, sentinel }).await?;
        change.insert_signing_key(&key).await?;
        self.keep(change, AuditAction::InstanceCreated, id).await?;
        Ok(id)
    }

    fn make_signing_key(&self, state: SigningKeyState) -> StoredSigningKey {
        signing::make(self.config.algorithm, state, self.master_key, self.now, self.rng)
    }

    /// The signing keys, after those whose time is over are gone and the one that signs has the configured algorithm.
    pub(crate) async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, ControlError> {
        let stored = self.store.list_signing_keys().await?;
        for key in &stored {
            if key.verifying_key.retired_at.is_some_and(|retired_at| retired_at <= self.now) {
                let mut change = self.store.change().await?;
                change.remove_signing_key(&key.verifying_key.kid).await?;
                self.keep(change, AuditAction::SigningKeyMoved, &key.verifying_key.kid).await?;
            }
        }
        let current = signing::current(&stored).ok_or(ControlError::NoSigningKey)?;
        if current.verifying_key.algorithm != self.config.algorithm {
            let new = self.make_signing_key(SigningKeyState::Signing);
            let lifetime = self.config.ttl_seconds.longest_seconds() + self.config.leeway.expiry_seconds;
            let retired_at = self.now.plus_seconds(i64::from(lifetime));
            let mut change = self.store.change().await?;
            signing::replace(&mut change, &current.verifying_key.kid, &new, retired_at).await?;
            self.keep(change, AuditAction::SigningKeyCreated, &new.verifying_key.kid).await?;
        }
        Ok(self.store.list_signing_keys().await?)
    }

    /// Tells gateways of limits that the configuration changed since they were told.
    pub(crate) async fn refresh_limits(&self) -> Result<(), ControlError> {
        for (workspace, told) in self.store.list_workspaces_with_limits().await? {
            let limits = self.config.plan_limits.limits(workspace.plan);
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
        let entry: AuditEntry = self.pseudonyms.entry(self.now, &Actor::System, None, action, subject);
        drop(change.publish(&entry).await?);
        Ok(())
    }
}
