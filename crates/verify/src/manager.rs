//! Who manages keys: a verified management token.

use domain::{ManagementTokenId, Permission, PermissionSet, Refusal, WorkspaceId};

use crate::sentences;

/// A verified management token. Only [`crate::Tables::verify_management`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    pub(crate) token_id: ManagementTokenId,
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) permissions: PermissionSet,
}

impl Manager {
    /// The token.
    pub const fn token_id(&self) -> ManagementTokenId {
        self.token_id
    }

    /// The workspace that it may manage.
    pub const fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    /// What it may do.
    pub const fn permissions(&self) -> PermissionSet {
        self.permissions
    }

    /// Asks for one permission.
    ///
    /// # Errors
    /// When the token lacks it.
    pub fn needs(&self, permission: Permission) -> Result<(), Refusal> {
        if self.permissions.contains(permission) {
            return Ok(());
        }
        Err(sentences::permission_missing(permission, self.permissions))
    }
}
