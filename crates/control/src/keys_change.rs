//! API keys: rotated and changed.

use credentials::{PlainSecret, SecretKind};
use domain::limits::{NAME_CHARACTERS_MAX, NETWORKS_ENTRIES_MAX, ROTATION_OVERLAP_SECONDS_MAX};
use domain::link::Revision;
use domain::{ApiKey, ApiKeyId, AreaSet, FormId, Networks, ProductSet, Timestamp, WorkspaceId};
use storage::{AuditAction, ChangeTx, StoreError};

use crate::names::is_name;
use crate::{Actor, Control, Made};

/// What came of a rotation: the only moment at which the new key's secret is known.
#[derive(Debug)]
pub struct RotatedKey {
    /// The new key.
    pub key: ApiKey,
    /// Its secret, to be shown once.
    pub secret: PlainSecret,
    /// From when on the old key is refused, and its temporary keys with it.
    pub old_expires_at: Timestamp,
    /// The revision that it came with.
    pub revision: Revision,
}

/// Why an API key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateKeyError {
    /// No such key in this workspace, or it was revoked.
    #[error("no such API key in this workspace: list the keys to see their ids")]
    NotFound,
    /// Nothing of it is left to go on with.
    #[error("this API key has expired: make a new one, or give it another expires_at first")]
    Expired,
    /// Both would live side by side for too long.
    #[error("overlap_seconds in body should be less than or equal to {ROTATION_OVERLAP_SECONDS_MAX}")]
    OverlapTooLong,
    /// Both are alive during the overlap, and the project has no room for one more.
    #[error(
        "project has maximum number of api keys already: rotate without overlap, or revoke a key that isn't needed"
    )]
    ProjectFull,
    /// The store failed.
    #[error("the rotation could not be stored")]
    Store(#[from] StoreError),
}

/// What to change of an API key; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Its name.
    pub name: Option<String>,
    /// From when on it is refused; `Some(None)` means never. A moment in the past ends it at once.
    pub expires_at: Option<Option<Timestamp>>,
    /// The areas that it is linked to.
    pub areas: Option<AreaSet>,
    /// What it may be used for.
    pub products: Option<ProductSet>,
    /// The networks that it may be used from; empty means from anywhere.
    pub networks: Option<Networks>,
}

/// A key that was changed.
#[derive(Debug, Clone)]
pub struct ChangedKey {
    /// The key as it is now.
    pub key: ApiKey,
    /// The revision that gateways must enforce.
    pub revision: Revision,
}

/// Why an API key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeKeyError {
    /// No such key in this workspace, or it was revoked.
    #[error("no such API key in this workspace: list the keys to see their ids")]
    NotFound,
    /// The name is empty or too long.
    #[error("name in body should be 1 to {NAME_CHARACTERS_MAX} characters long")]
    InvalidName,
    /// An empty list of areas.
    #[error("areas in body should have at least 1 item: eu, usa, au")]
    NoAreas,
    /// An empty list of products.
    #[error("products in body should have at least 1 item: batch, rt, tts, flow")]
    NoProducts,
    /// Only an enterprise workspace links a key to several areas.
    #[error(
        "this workspace's plan links an API key to one area only: pass one of them, or use an enterprise workspace"
    )]
    SeveralAreas,
    /// Too many networks.
    #[error("networks in body should have at most {NETWORKS_ENTRIES_MAX} items")]
    TooManyNetworks,
    /// It had expired, and the project has no room for one more.
    #[error("project has maximum number of api keys already")]
    ProjectFull,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

impl KeyChange {
    /// Checks what can be checked without the store.
    fn check(&self) -> Result<(), ChangeKeyError> {
        if self.name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(ChangeKeyError::InvalidName);
        }
        if self.areas.is_some_and(AreaSet::is_empty) {
            return Err(ChangeKeyError::NoAreas);
        }
        if self.products.is_some_and(ProductSet::is_empty) {
            return Err(ChangeKeyError::NoProducts);
        }
        if self.networks.as_ref().is_some_and(|networks| networks.0.len() > NETWORKS_ENTRIES_MAX) {
            return Err(ChangeKeyError::TooManyNetworks);
        }
        Ok(())
    }

    fn apply(self, key: ApiKey) -> ApiKey {
        ApiKey {
            name: self.name.unwrap_or(key.name),
            expires_at: self.expires_at.unwrap_or(key.expires_at),
            areas: self.areas.unwrap_or(key.areas),
            products: self.products.unwrap_or(key.products),
            networks: self.networks.unwrap_or(key.networks),
            ..key
        }
    }
}

/// What is different, for the audit log. The name alone is not written there: it may be a person's.
fn difference(before: &ApiKey, after: &ApiKey) -> String {
    let mut parts = Vec::new();
    if before.name != after.name {
        parts.push(String::from("name"));
    }
    if before.expires_at != after.expires_at {
        let expires_at = after.expires_at.map_or_else(|| String::from("never"), Timestamp::to_rfc3339);
        parts.push(format!("expires {expires_at}"));
    }
    if before.areas != after.areas {
        parts.push(format!("areas {}", after.areas.names()));
    }
    if before.products != after.products {
        parts.push(format!("products {}", after.products.names()));
    }
    if before.networks != after.networks {
        let networks: Vec<String> = after.networks.0.iter().map(ToString::to_string).collect();
        parts.push(format!(
            "networks {}",
            if networks.is_empty() { "any".to_owned() } else { networks.join(" ") }
        ));
    }
    parts.join(", ")
}

/// A key that is there and was not revoked; revoked ones are gone for whoever manages keys.
async fn living(
    change: &ChangeTx,
    workspace_id: WorkspaceId,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    Ok(change.find_api_key(workspace_id, id).await?.filter(|key| key.state.revoked_at().is_none()))
}

fn has_expired(key: &ApiKey, now: Timestamp) -> bool {
    key.expires_at.is_some_and(|expires_at| expires_at <= now)
}

impl Control {
    /// Replaces an API key by a new one with the same name and rights, its expiry included. The old one lives on for the
    /// overlap, but never longer than it would have; with it end its temporary keys and the sessions that need it.
    ///
    /// # Errors
    /// See [`RotateKeyError`].
    pub async fn rotate_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        overlap_seconds: u32,
    ) -> Result<RotatedKey, RotateKeyError> {
        if overlap_seconds > ROTATION_OVERLAP_SECONDS_MAX {
            return Err(RotateKeyError::OverlapTooLong);
        }
        let new_id = ApiKeyId::generate(self.now(), &*self.inner.rng);
        let change = self.inner.store.change().await?;
        self.make_successor(change, actor, (workspace_id, id), overlap_seconds, new_id).await
    }

    /// As [`Control::rotate_key`], for a form: however often it is sent, it makes one successor.
    ///
    /// # Errors
    /// See [`RotateKeyError`].
    pub async fn rotate_key_once(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        form: FormId,
        overlap_seconds: u32,
    ) -> Result<Made<RotatedKey, ApiKey>, RotateKeyError> {
        if overlap_seconds > ROTATION_OVERLAP_SECONDS_MAX {
            return Err(RotateKeyError::OverlapTooLong);
        }
        let kind = format!("successor of {id}");
        let new_id = ApiKeyId::from_u128(self.id_of_form(&kind, actor, workspace_id, form));
        let change = self.inner.store.change().await?;
        if let Some(before) = change.find_api_key(workspace_id, new_id).await? {
            return Ok(Made::Before(before));
        }
        let rotated = self.make_successor(change, actor, (workspace_id, id), overlap_seconds, new_id).await?;
        Ok(Made::Now(rotated))
    }

    async fn make_successor(
        &self,
        mut change: ChangeTx,
        actor: &Actor,
        (workspace_id, id): (WorkspaceId, ApiKeyId),
        overlap_seconds: u32,
        new_id: ApiKeyId,
    ) -> Result<RotatedKey, RotateKeyError> {
        let now = self.now();
        let old = living(&change, workspace_id, id).await?.ok_or(RotateKeyError::NotFound)?;
        if has_expired(&old, now) {
            return Err(RotateKeyError::Expired);
        }
        if overlap_seconds > 0 {
            let live = change.count_live_api_keys(workspace_id, old.project_id, now).await?;
            let workspace = change.find_workspace(workspace_id).await?.ok_or(RotateKeyError::NotFound)?;
            if live >= u64::from(self.limits_of(&workspace).api_keys_per_project_max) {
                return Err(RotateKeyError::ProjectFull);
            }
        }
        let overlap_end = now.plus_seconds(i64::from(overlap_seconds));
        let old_expires_at = old.expires_at.map_or(overlap_end, |expires_at| expires_at.min(overlap_end));
        let secret = SecretKind::ApiKey.generate(&*self.inner.rng);
        let key = ApiKey {
            id: new_id,
            hash: secret.hash(),
            hint: secret.hint(),
            created_by: actor.account_id(),
            created_at: now,
            last_used_at: None,
            temporary_keys_last_used_at: None,
            imported_at: None,
            rotated_from: Some(old.id),
            ..old.clone()
        };
        change.insert_api_key(&key).await?;
        change.update_api_key(&ApiKey { expires_at: Some(old_expires_at), ..old }).await?;
        let action = AuditAction::ApiKeyRotated;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        entry.detail = format!("successor {}, expires {old_expires_at}", key.id);
        let revision = self.inner.publish(change, entry).await?;
        Ok(RotatedKey { key, secret, old_expires_at, revision })
    }

    /// Changes an API key. When this returns, the gateways of this process enforce it, and sessions that needed a right
    /// that is lost have ended.
    ///
    /// # Errors
    /// See [`ChangeKeyError`].
    pub async fn change_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        change: KeyChange,
    ) -> Result<ChangedKey, ChangeKeyError> {
        change.check()?;
        let now = self.now();
        let mut tx = self.inner.store.change().await?;
        let before = living(&tx, workspace_id, id).await?.ok_or(ChangeKeyError::NotFound)?;
        let workspace = tx.find_workspace(workspace_id).await?.ok_or(ChangeKeyError::NotFound)?;
        // A key that is linked to several areas since better times keeps them until others are asked for.
        if change.areas.is_some_and(|areas| areas.len() > 1) && !self.limits_of(&workspace).enterprise {
            return Err(ChangeKeyError::SeveralAreas);
        }
        let key = change.apply(before.clone());
        if key == before {
            return Ok(ChangedKey { key, revision: self.inner.tables.revision() });
        }
        // One that had expired wasn't counted.
        if has_expired(&before, now) && !has_expired(&key, now) {
            let live = tx.count_live_api_keys(workspace_id, key.project_id, now).await?;
            if live >= u64::from(self.limits_of(&workspace).api_keys_per_project_max) {
                return Err(ChangeKeyError::ProjectFull);
            }
        }
        tx.update_api_key(&key).await?;
        let action = AuditAction::ApiKeyChanged;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        entry.detail = difference(&before, &key);
        let revision = self.inner.publish(tx, entry).await?;
        Ok(ChangedKey { key, revision })
    }
}
