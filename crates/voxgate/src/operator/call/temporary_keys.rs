//! Calls about temporary keys, and about the end users that they are minted for.

use domain::{ClientRef, ProjectId, TemporaryKeyId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A call about temporary keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemporaryKeyCall {
    /// Revoke one temporary key by its jti.
    Revoke {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Its jti.
        id: TemporaryKeyId,
    },
    /// Revoke one temporary key that is at hand.
    RevokeValue {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key itself.
        key_value: String,
    },
    /// Shut an end user out: revoke every temporary key of a client_ref, and let none be minted.
    ShutOut {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project; every one if left out.
        project: Option<ProjectId>,
        /// The end user.
        client_ref: ClientRef,
    },
    /// Let an end user in again.
    Readmit {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project; every one if left out.
        project: Option<ProjectId>,
        /// The end user.
        client_ref: ClientRef,
    },
}

impl std::fmt::Debug for TemporaryKeyCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One of them carries a credential.
        f.write_str("TemporaryKeyCall(…)")
    }
}
