//! API keys: made, listed, revoked.

use credentials::{PlainSecret, SecretKind};
use domain::limits::NETWORKS_ENTRIES_MAX;
use domain::link::Revision;
use domain::{
    ApiKey, ApiKeyId, AreaSet, ClientRef, FormId, KeyState, Networks, ProductSet, ProjectId, Timestamp,
    Workspace, WorkspaceId,
};
use storage::{AuditAction, ChangeTx, Page, PageRequest, StoreError};

use crate::names::is_name;
use crate::{Actor, Control, Made};

/// What to make an API key of.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The project that it shall belong to.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// The areas to link it to; `None` means the workspace's home area.
    pub areas: Option<AreaSet>,
    /// What it may be used for; `None` means `batch` and `rt`.
    pub products: Option<ProductSet>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// The networks that it may be used from; empty means from anywhere.
    pub networks: Networks,
    /// Isolates it as a temporary key with this client_ref would be.
    pub client_ref: Option<ClientRef>,
}

impl NewKey {
    /// A key with everything by default.
    pub fn named(project_id: ProjectId, name: impl Into<String>) -> Self {
        Self {
            project_id,
            name: name.into(),
            areas: None,
            products: None,
            expires_at: None,
            networks: Networks::default(),
            client_ref: None,
        }
    }
}

/// A key that was just made: the only moment at which its secret is known.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret, to be shown once.
    pub secret: PlainSecret,
    /// The revision that it came with.
    pub revision: Revision,
}

/// Why an API key was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    ProjectNotFound,
    /// The project is full.
    #[error("project has maximum number of api keys already")]
    ProjectFull,
    /// The name is empty or too long.
    #[error("name in body should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
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
    #[error("networks in body should have at most {max} items", max = domain::limits::NETWORKS_ENTRIES_MAX)]
    TooManyNetworks,
    /// It would be expired from the beginning.
    #[error("expires_at in body should be in the future")]
    ExpiresInPast,
    /// The store failed.
    #[error("the API key could not be stored")]
    Store(#[from] StoreError),
}

/// Why keys were not listed.
#[derive(Debug, thiserror::Error)]
pub enum ListKeysError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    ProjectNotFound,
    /// The store failed.
    #[error("the API keys could not be read")]
    Store(#[from] StoreError),
}

/// Why an API key was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeKeyError {
    /// No such key in this workspace.
    #[error("no such API key in this workspace: list the keys to see their ids")]
    NotFound,
    /// It was revoked before.
    #[error("this API key was revoked already")]
    AlreadyRevoked,
    /// The store failed.
    #[error("the revocation could not be stored")]
    Store(#[from] StoreError),
}

/// Checks what can be checked without the store.
fn check(new: &NewKey, now: Timestamp) -> Result<(), CreateKeyError> {
    if !is_name(&new.name) {
        return Err(CreateKeyError::InvalidName);
    }
    if new.areas.is_some_and(AreaSet::is_empty) {
        return Err(CreateKeyError::NoAreas);
    }
    if new.products.is_some_and(ProductSet::is_empty) {
        return Err(CreateKeyError::NoProducts);
    }
    if new.networks.0.len() > NETWORKS_ENTRIES_MAX {
        return Err(CreateKeyError::TooManyNetworks);
    }
    if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(CreateKeyError::ExpiresInPast);
    }
    Ok(())
}

impl Control {
    /// Makes an API key. When this returns, the gateways of this process accept it.
    ///
    /// # Errors
    /// See [`CreateKeyError`].
    pub async fn create_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        new: NewKey,
    ) -> Result<CreatedKey, CreateKeyError> {
        check(&new, self.now())?;
        let id = ApiKeyId::generate(self.now(), &*self.inner.rng);
        self.make_key(self.inner.store.change().await?, actor, workspace_id, id, new).await
    }

    /// As [`Control::create_key`], for a form: however often it is sent, it makes one key.
    ///
    /// # Errors
    /// See [`CreateKeyError`].
    pub async fn create_key_once(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        form: FormId,
        new: NewKey,
    ) -> Result<Made<CreatedKey, ApiKey>, CreateKeyError> {
        let id = ApiKeyId::from_u128(self.id_of_form("API key", actor, workspace_id, form));
        let change = self.inner.store.change().await?;
        if let Some(before) = change.find_api_key(workspace_id, id).await? {
            return Ok(Made::Before(before));
        }
        check(&new, self.now())?;
        Ok(Made::Now(self.make_key(change, actor, workspace_id, id, new).await?))
    }

    async fn make_key(
        &self,
        mut change: ChangeTx,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        new: NewKey,
    ) -> Result<CreatedKey, CreateKeyError> {
        let now = self.now();
        let workspace = change.find_workspace(workspace_id).await?.ok_or(CreateKeyError::ProjectNotFound)?;
        if change.find_project(workspace_id, new.project_id).await?.is_none() {
            return Err(CreateKeyError::ProjectNotFound);
        }
        let areas = self.areas_of(&workspace, new.areas)?;
        let live = change.count_live_api_keys(workspace_id, new.project_id, now).await?;
        let max = self.limits_of(&workspace).api_keys_per_project_max;
        if live >= u64::from(max) {
            return Err(CreateKeyError::ProjectFull);
        }
        let secret = SecretKind::ApiKey.generate(&*self.inner.rng);
        let key = ApiKey {
            id,
            hash: secret.hash(),
            project_id: new.project_id,
            workspace_id,
            name: new.name,
            hint: secret.hint(),
            created_by: actor.account_id(),
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
            temporary_keys_last_used_at: None,
            imported_at: None,
            areas,
            products: new.products.unwrap_or(ProductSet::default_for_keys()),
            networks: new.networks,
            client_ref: new.client_ref,
            rotated_from: None,
            state: KeyState::Active,
        };
        change.insert_api_key(&key).await?;
        let action = AuditAction::ApiKeyCreated;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, key.id);
        entry.detail =
            format!("project {}, areas {}, products {}", key.project_id, areas.names(), key.products.names());
        let revision = self.inner.publish(change, entry).await?;
        Ok(CreatedKey { key, secret, revision })
    }

    /// The areas of a new key: those asked for, if the plan allows them, else the workspace's home area.
    fn areas_of(&self, workspace: &Workspace, asked: Option<AreaSet>) -> Result<AreaSet, CreateKeyError> {
        let areas = asked.unwrap_or(AreaSet::EMPTY.with(workspace.home_area));
        let limits = self.inner.config.plan_limits.of(workspace);
        if areas.len() > 1 && !limits.enterprise {
            return Err(CreateKeyError::SeveralAreas);
        }
        Ok(areas)
    }

    /// The API keys of a workspace or of one of its projects, revoked ones included, oldest first.
    ///
    /// # Errors
    /// When the project is none of this workspace.
    pub async fn list_keys(
        &self,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
    ) -> Result<Vec<ApiKey>, ListKeysError> {
        if let Some(project_id) = project_id
            && self.inner.store.find_project(workspace_id, project_id).await?.is_none()
        {
            return Err(ListKeysError::ProjectNotFound);
        }
        Ok(self.inner.store.list_api_keys(workspace_id, project_id).await?)
    }

    /// A page of the API keys of a workspace or of one of its projects that are not revoked, oldest first.
    ///
    /// # Errors
    /// When the project is none of this workspace.
    pub async fn page_keys(
        &self,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, ListKeysError> {
        if let Some(project_id) = project_id
            && self.inner.store.find_project(workspace_id, project_id).await?.is_none()
        {
            return Err(ListKeysError::ProjectNotFound);
        }
        Ok(self.inner.store.page_api_keys(workspace_id, project_id, page).await?)
    }

    /// One API key of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        self.inner.store.find_api_key(workspace_id, id).await
    }

    /// Revokes an API key and everything born of it. When this returns, the gateways of this process refuse it
    /// and have ended its sessions.
    ///
    /// # Errors
    /// See [`RevokeKeyError`].
    pub async fn revoke_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<Revision, RevokeKeyError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_api_key(workspace_id, id).await?.is_none() {
            return Err(RevokeKeyError::NotFound);
        }
        if !change.revoke_api_key(workspace_id, id, now).await? {
            return Err(RevokeKeyError::AlreadyRevoked);
        }
        let action = AuditAction::ApiKeyRevoked;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        Ok(self.inner.publish(change, entry).await?)
    }
}
