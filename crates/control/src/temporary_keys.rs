//! Temporary keys and client_refs: shut out, and let in again.

use domain::limits::{REVOKED_TEMPORARY_KEYS_PER_PROJECT_MAX, SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX};
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
    /// The project has as many revoked ones as verifiers keep in memory.
    #[error(
        "this project has {REVOKED_TEMPORARY_KEYS_PER_PROJECT_MAX} revoked temporary keys that may not have expired, as many as it \
         may: revoke or rotate the API key, or shut the client_ref out"
    )]
    TooMany,
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
    /// The project has shut out as many as verifiers keep in memory.
    #[error(
        "this project has shut out {SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX} client_refs, as many as it may: revoke the API keys that \
         mint for them, or give those who are let in another client_ref"
    )]
    TooMany,
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
        let forget_at = now.plus_seconds(self.inner.token_lifetime_seconds(&change).await?);
        let news = change.revoke_temporary_key(&parent, id, now, forget_at).await?;
        if news
            && change.count_revoked_temporary_keys(parent.project_id, now).await?
                > REVOKED_TEMPORARY_KEYS_PER_PROJECT_MAX.into()
        {
            return Err(RevokeTemporaryKeyError::TooMany);
        }
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
        let known = change.find_client_ref(project_id, client_ref).await?.is_some();
        if !known
            && change.count_client_refs(project_id).await? >= SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX.into()
        {
            return Err(ClientRefError::TooMany);
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
        let forget_at = now.plus_seconds(self.inner.token_lifetime_seconds(&change).await?);
        if !change.readmit_client_ref(project_id, client_ref, now, forget_at).await? {
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

    /// Shuts a client_ref out of one project, or of every project of the workspace, one after the other: where one is full the others
    /// are done nevertheless, and doing it again is safe.
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
        let (mut newest, mut is_full) = (None, false);
        for project_id in self.projects_meant(workspace_id, project_id).await? {
            match self.revoke_client_ref(actor, workspace_id, project_id, client_ref).await {
                Ok(revision) => newest = newest.max(Some(revision)),
                // Deleted meanwhile, and its keys with it.
                Err(ClientRefError::ProjectNotFound) => {}
                Err(ClientRefError::TooMany) => is_full = true,
                Err(error) => return Err(error),
            }
        }
        if is_full {
            return Err(ClientRefError::TooMany);
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

#[cfg(test)]
mod tests {
    use domain::{Area, Plan};

    use super::*;
    use crate::{NewKey, NewProject, NewWorkspace};

    /// A project shuts out as many as verifiers keep in memory, and no more; what is shut out already may be so again, another project
    /// has room of its own, and the API key can be revoked nevertheless.
    #[tokio::test]
    async fn what_is_shut_out_has_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::in_folder(folder.path()).await;
        let (inner, actor) = (&control.inner, Actor::OPERATOR);
        let new = NewWorkspace { name: "w".to_owned(), plan: Plan::Pro, home_area: Area::Eu };
        let made = control.create_workspace(&actor, new).await.unwrap();
        let (workspace, project) = (made.workspace.id, made.default_project.id);
        let new = NewProject { name: "other".to_owned(), description: String::new() };
        let other = control.create_project(&actor, workspace, new).await.unwrap().project;
        let key = async |project| {
            control.create_key(&actor, workspace, NewKey::named(project, "k")).await.unwrap().key
        };
        let (full, spare) = (key(project).await, key(other.id).await);
        let client_ref = |number: u32| ClientRef::new(&format!("user-{number}")).unwrap();
        let temporary = |parent| TemporaryKeyId::generate(parent, &*inner.rng);

        let mut change = inner.store.change().await.unwrap();
        let (now, later) = (control.now(), control.now().plus_seconds(3600));
        for number in 0..SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX {
            change.revoke_client_ref(project, &client_ref(number), now).await.unwrap();
        }
        let known = temporary(full.id);
        change.revoke_temporary_key(&full, known, now, later).await.unwrap();
        for _ in 1..REVOKED_TEMPORARY_KEYS_PER_PROJECT_MAX {
            change.revoke_temporary_key(&full, temporary(full.id), now, later).await.unwrap();
        }
        let action = AuditAction::ClientRefRevoked;
        let entry = inner.pseudonyms.entry(now, &actor, Some(workspace), action, project);
        inner.publish(change, entry).await.unwrap();

        let shut = async |project, number| {
            control.revoke_client_ref(&actor, workspace, project, &client_ref(number)).await
        };
        assert!(shut(project, 0).await.is_ok());
        control.readmit_client_ref(&actor, workspace, project, &client_ref(0)).await.unwrap();
        let one_more = SHUT_OUT_CLIENT_REFS_PER_PROJECT_MAX;
        assert!(matches!(shut(project, one_more).await, Err(ClientRefError::TooMany)));
        assert!(!inner.tables.client_ref_shut(project, &client_ref(one_more)));
        let everywhere = control.revoke_client_ref_in(&actor, workspace, None, &client_ref(one_more)).await;
        assert!(matches!(everywhere, Err(ClientRefError::TooMany)));
        assert!(inner.tables.client_ref_shut(other.id, &client_ref(one_more)), "it has room");

        let revoke = async |id| control.revoke_temporary_key(&actor, workspace, id).await;
        assert!(revoke(known).await.is_ok());
        assert!(matches!(revoke(temporary(full.id)).await, Err(RevokeTemporaryKeyError::TooMany)));
        assert!(revoke(temporary(spare.id)).await.is_ok());
        control.revoke_key(&actor, workspace, full.id).await.unwrap();
    }
}
