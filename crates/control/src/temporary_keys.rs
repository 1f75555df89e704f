//! Temporary keys and client_refs: shut out, and let in again.

use domain::link::Revision;
use domain::{ClientRef, ProjectId, TemporaryKeyId, WorkspaceId};
use storage::{AuditAction, AuditEntry, StoreError};

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
    /// The jti of a temporary key that this instance signed, however old it is; `None` for anything else.
    pub fn temporary_key_id(&self, key_value: &str) -> Option<TemporaryKeyId> {
        let jwks = self.jwks();
        let signed = credentials::token::read(key_value, |kid| jwks.find(kid).cloned()).ok()?;
        (signed.claims.issuer == self.inner.issuer).then_some(signed.claims.id)
    }

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
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        let parent = change.find_api_key(workspace_id, id.parent()).await?;
        let parent = parent.ok_or(RevokeTemporaryKeyError::NotFound)?;
        // Nothing is stored per mint, so nobody knows when it expires; none lives longer than this.
        let forget_at = now.plus_seconds(self.inner.config.token_lifetime_seconds());
        change.revoke_temporary_key(&parent, id, now, forget_at).await?;
        let action = AuditAction::TemporaryKeyRevoked;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        Ok(self.inner.publish(change, entry).await?)
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
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_project(workspace_id, project_id).await?.is_none() {
            return Err(ClientRefError::ProjectNotFound);
        }
        change.revoke_client_ref(project_id, client_ref, now).await?;
        let entry =
            self.client_ref_entry(actor, workspace_id, AuditAction::ClientRefRevoked, project_id, client_ref);
        Ok(self.inner.publish(change, entry).await?)
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
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_project(workspace_id, project_id).await?.is_none() {
            return Err(ClientRefError::ProjectNotFound);
        }
        if !change.readmit_client_ref(project_id, client_ref, now).await? {
            return Err(ClientRefError::NotRevoked);
        }
        let entry = self.client_ref_entry(
            actor,
            workspace_id,
            AuditAction::ClientRefReadmitted,
            project_id,
            client_ref,
        );
        Ok(self.inner.publish(change, entry).await?)
    }

    /// Shuts a client_ref out of one project, or of every project of the workspace, one after the other: where that fails
    /// half-way, doing it again is safe.
    ///
    /// # Errors
    /// See [`ClientRefError`].
    pub async fn revoke_client_ref_in(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
        client_ref: &ClientRef,
    ) -> Result<Revision, ClientRefError> {
        let mut newest = None;
        for project_id in self.projects_meant(workspace_id, project_id).await? {
            match self.revoke_client_ref(actor, workspace_id, project_id, client_ref).await {
                Ok(revision) => newest = newest.max(Some(revision)),
                // Deleted meanwhile, and its keys with it.
                Err(ClientRefError::ProjectNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        newest.ok_or(ClientRefError::ProjectNotFound)
    }

    /// Lets a client_ref in again in one project, or in every project of the workspace that it is shut out of.
    ///
    /// # Errors
    /// See [`ClientRefError`].
    pub async fn readmit_client_ref_in(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
        client_ref: &ClientRef,
    ) -> Result<Revision, ClientRefError> {
        let mut outcome = Err(ClientRefError::ProjectNotFound);
        for project_id in self.projects_meant(workspace_id, project_id).await? {
            match self.readmit_client_ref(actor, workspace_id, project_id, client_ref).await {
                Ok(revision) => outcome = Ok(revision),
                Err(ClientRefError::Store(error)) => return Err(error.into()),
                Err(why) if outcome.is_err() => outcome = Err(why),
                Err(_) => {}
            }
        }
        outcome
    }

    async fn projects_meant(
        &self,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
    ) -> Result<Vec<ProjectId>, StoreError> {
        if let Some(id) = project_id {
            return Ok(vec![id]);
        }
        let projects = self.list_projects(workspace_id).await?;
        Ok(projects.into_iter().map(|project| project.id).collect())
    }

    /// A client_ref may name a person, so the log holds its pseudonym.
    fn client_ref_entry(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        action: AuditAction,
        project_id: ProjectId,
        client_ref: &ClientRef,
    ) -> AuditEntry {
        let pseudonyms = &self.inner.pseudonyms;
        let subject = pseudonyms.of_client_ref(project_id, client_ref);
        let mut entry = pseudonyms.entry(self.now(), actor, Some(workspace_id), action, &subject);
        entry.detail = format!("project {project_id}");
        entry.names.push((subject, client_ref.to_string()));
        entry
    }
}
