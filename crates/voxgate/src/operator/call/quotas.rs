//! Calls about quotas on audio.

use domain::{ProjectId, QuotaScope, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A call about quotas on audio.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaCall {
    /// List them, with what is used of them.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
    /// Set one, or take it away.
    Set {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project; the default one if left out.
        project: Option<ProjectId>,
        /// What of it.
        scope: QuotaScope,
        /// Audio in a UTC month, in seconds; none takes the quota away.
        audio_seconds_max: Option<u32>,
    },
}
