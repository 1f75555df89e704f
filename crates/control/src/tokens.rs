//! Management tokens: made, listed, revoked.

use credentials::{PlainSecret, SecretKind};
use domain::link::Revision;
use domain::{FormId, KeyState, ManagementToken, ManagementTokenId, PermissionSet, WorkspaceId};
use storage::{AuditAction, ChangeTx, Page, PageRequest, StoreError};

use crate::names::is_name;
use crate::{Actor, Control, Made};

/// A management token that was just made: the only moment at which its secret is known.
#[derive(Debug)]
pub struct CreatedToken {
    /// The token.
    pub token: ManagementToken,
    /// Its secret, to be shown once.
    pub secret: PlainSecret,
    /// The revision that it came with.
    pub revision: Revision,
}

/// Why a management token was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTokenError {
    /// The name is empty or too long.
    #[error("name in body should be 1 to {max} characters long", max = domain::limits::NAME_CHARACTERS_MAX)]
    InvalidName,
    /// No permission at all.
    #[error("a management token needs at least one permission")]
    NoPermissions,
    /// No such workspace, or it is closed.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// The store failed.
    #[error("the management token could not be stored")]
    Store(#[from] StoreError),
}

/// Why a management token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// No such token in this workspace.
    #[error("no such management token in this workspace")]
    NotFound,
    /// It was revoked before.
    #[error("this management token was revoked already")]
    AlreadyRevoked,
    /// The store failed.
    #[error("the revocation could not be stored")]
    Store(#[from] StoreError),
}

/// Checks what can be checked without the store.
fn check(name: &str, permissions: PermissionSet) -> Result<(), CreateTokenError> {
    if !is_name(name) {
        return Err(CreateTokenError::InvalidName);
    }
    if permissions.is_empty() {
        return Err(CreateTokenError::NoPermissions);
    }
    Ok(())
}

impl Control {
    /// Makes a management token.
    ///
    /// # Errors
    /// See [`CreateTokenError`].
    pub async fn create_management_token(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        name: &str,
        permissions: PermissionSet,
    ) -> Result<CreatedToken, CreateTokenError> {
        check(name, permissions)?;
        let id = ManagementTokenId::generate(self.now(), &*self.inner.rng);
        let change = self.inner.store.change().await?;
        self.make_token(change, actor, workspace_id, id, name, permissions).await
    }

    /// As [`Control::create_management_token`], for a form: however often it is sent, it makes one token. Permissions beyond
    /// the workspace are left out: no form of a workspace grants them.
    ///
    /// # Errors
    /// See [`CreateTokenError`].
    pub async fn create_management_token_once(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        form: FormId,
        name: &str,
        permissions: PermissionSet,
    ) -> Result<Made<CreatedToken, ManagementToken>, CreateTokenError> {
        let number = self.id_of_form("management token", actor, workspace_id, form);
        let id = ManagementTokenId::from_u128(number);
        let change = self.inner.store.change().await?;
        if let Some(before) = change.find_management_token(workspace_id, id).await? {
            return Ok(Made::Before(before));
        }
        let permissions = permissions.intersection(PermissionSet::of_a_workspace());
        check(name, permissions)?;
        Ok(Made::Now(self.make_token(change, actor, workspace_id, id, name, permissions).await?))
    }

    async fn make_token(
        &self,
        mut change: ChangeTx,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
        name: &str,
        permissions: PermissionSet,
    ) -> Result<CreatedToken, CreateTokenError> {
        let now = self.now();
        let secret = SecretKind::ManagementToken.generate(&*self.inner.rng);
        let token = ManagementToken {
            id,
            hash: secret.hash(),
            workspace_id,
            name: name.to_owned(),
            hint: secret.hint(),
            permissions,
            created_at: now,
            last_used_at: None,
            state: KeyState::Active,
        };
        if change.find_workspace(workspace_id).await?.is_none() {
            return Err(CreateTokenError::WorkspaceNotFound);
        }
        change.insert_management_token(&token).await?;
        let action = AuditAction::ManagementTokenCreated;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, token.id);
        entry.detail = format!("permissions {}", permissions.names());
        let revision = self.inner.publish(change, entry).await?;
        Ok(CreatedToken { token, secret, revision })
    }

    /// A management token of a workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_management_token(
        &self,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
    ) -> Result<Option<ManagementToken>, StoreError> {
        self.inner.store.find_management_token(workspace_id, id).await
    }

    /// The management tokens of a workspace, revoked ones included, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_management_tokens(
        &self,
        workspace_id: WorkspaceId,
    ) -> Result<Vec<ManagementToken>, StoreError> {
        self.inner.store.list_management_tokens(workspace_id).await
    }

    /// A page of the management tokens of a workspace that are not revoked, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page_management_tokens(
        &self,
        workspace_id: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<ManagementToken>, StoreError> {
        self.inner.store.page_management_tokens(workspace_id, page).await
    }

    /// Revokes a management token.
    ///
    /// # Errors
    /// See [`RevokeTokenError`].
    pub async fn revoke_management_token(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ManagementTokenId,
    ) -> Result<Revision, RevokeTokenError> {
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_management_token(workspace_id, id).await?.is_none() {
            return Err(RevokeTokenError::NotFound);
        }
        if !change.revoke_management_token(workspace_id, id, now).await? {
            return Err(RevokeTokenError::AlreadyRevoked);
        }
        let action = AuditAction::ManagementTokenRevoked;
        let entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        Ok(self.inner.publish(change, entry).await?)
    }
}
