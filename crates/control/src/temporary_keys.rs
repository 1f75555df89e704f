//! Temporary keys and client_refs: shut out, and let in again.

use domain::link::Revision;
use domain::{ClientRef, ProjectId, TemporaryKeyId, WorkspaceId};
use storage::StoreError;

use crate::{Actor, Control};

/// Why a temporary key was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTemporaryKeyError {
    /// Its parent is no API key of this workspace.
    #[error("no such temporary key in this workspace")]
    NotFound,
    /// The store failed.
    #[error("the revocation could not be stored")]
    Store(#[from] StoreError),
}

/// Why a client_ref was not shut out or let in again.
#[derive(Debug, thiserror::Error)]
pub enum ClientRefError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    ProjectNotFound,
    /// It is not shut out, so it can't be let in again.
    #[error("this client_ref is not shut out")]
    NotRevoked,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// Revokes one temporary key. Revoking it again changes nothing and is no error.
    ///
    /// # Errors
    /// See [`RevokeTemporaryKeyError`].
    pub async fn revoke_temporary_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: TemporaryKeyId,
    ) -> Result<Revision, RevokeTemporaryKeyError> {
        todo!("{actor:?} {workspace_id} {id}")
    }

    /// Shuts a client_ref out: its temporary keys die, and none is minted for it.
    ///
    /// # Errors
    /// See [`ClientRefError`].
    pub async fn revoke_client_ref(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<Revision, ClientRefError> {
        todo!("{actor:?} {workspace_id} {project_id} {client_ref}")
    }

    /// Lets a client_ref in again; what was minted before stays dead.
    ///
    /// # Errors
    /// See [`ClientRefError`].
    pub async fn readmit_client_ref(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> Result<Revision, ClientRefError> {
        todo!("{actor:?} {workspace_id} {project_id} {client_ref}")
    }
}
