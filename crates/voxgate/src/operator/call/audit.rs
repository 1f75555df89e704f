//! Calls about the audit log.

use control::AuditAction;
use domain::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Which events of the audit log to read; what is left out doesn't narrow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditCall {
    /// Only this workspace's. Left out, it is the whole instance's log.
    pub workspace: Option<WorkspaceId>,
    /// Only what was done like this.
    pub action: Option<AuditAction>,
    /// Only what was done at this moment or later.
    pub since: Option<Timestamp>,
    /// Only what was done before this moment.
    pub until: Option<Timestamp>,
    /// Only events after this number.
    pub after: u64,
    /// At most so many events.
    pub limit: u64,
}
