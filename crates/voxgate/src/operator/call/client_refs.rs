//! Calls about end users.

use domain::{ClientRef, ProjectId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Forget an end user: their jobs, their part in the usage, and their name in the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetCall {
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
    /// The project; every one, deleted ones among them, if left out.
    pub project: Option<ProjectId>,
    /// The end user.
    pub client_ref: ClientRef,
}
