//! Reading the usage.

use domain::link::SessionFilter;
use domain::usage::UsageGroup;
use domain::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Which usage to read; what is left out doesn't narrow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UsageCall {
    /// The workspace.
    pub workspace: Option<WorkspaceId>,
    /// The beginning of the first UTC day.
    pub since: Option<Timestamp>,
    /// The beginning of the last UTC day.
    pub until: Option<Timestamp>,
    /// What it is told apart by.
    pub groups: Vec<UsageGroup>,
    /// Whose usage; its own workspace is not looked at.
    pub filter: SessionFilter,
}
