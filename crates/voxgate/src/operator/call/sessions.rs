//! Calls about open sessions.

use domain::link::SessionFilter;
use domain::{SessionId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A call about open sessions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionCall {
    /// List what is open.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which of its sessions; its own workspace is not looked at.
        filter: SessionFilter,
    },
    /// End a session.
    End {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The session.
        id: SessionId,
        /// What its client is told.
        reason: String,
    },
}
