//! Calls about management tokens.

use domain::{ManagementTokenId, PermissionSet, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A call about management tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCall {
    /// Make a management token.
    Create {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Its name.
        name: String,
        /// What it may do.
        permissions: PermissionSet,
    },
    /// List management tokens.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
    /// Revoke a management token.
    Revoke {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The token.
        id: ManagementTokenId,
    },
}
