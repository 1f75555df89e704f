//! API keys: made, listed, revoked.

use credentials::PlainSecret;
use domain::link::Revision;
use domain::{ApiKey, ApiKeyId, AreaSet, ClientRef, Networks, ProductSet, ProjectId, Timestamp, WorkspaceId};
use storage::StoreError;

use crate::{Actor, Control};

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
        todo!("{actor:?} {workspace_id} {new:?}")
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
        todo!("{workspace_id} {project_id:?}")
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
        todo!("{workspace_id} {id}")
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
        todo!("{actor:?} {workspace_id} {id}")
    }
}
