//! Calls about workspaces and their members.

use domain::{Area, OwnLimits, Plan, Role, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::Who;

/// A call about workspaces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceCall {
    /// Make a workspace with its default project.
    Create {
        /// Its name.
        name: String,
        /// Its plan.
        plan: Plan,
        /// The area of its keys unless told otherwise.
        home_area: Area,
    },
    /// List the workspaces.
    List,
    /// Show one, with the limits that hold for it.
    Show {
        /// Which.
        workspace: Option<WorkspaceId>,
    },
    /// Change one.
    Change {
        /// Which.
        workspace: Option<WorkspaceId>,
        /// Another name.
        name: Option<String>,
        /// Another plan.
        plan: Option<Plan>,
        /// Limits of its own to set; the others stay as they are.
        limits: OwnLimits,
        /// Whether to take away all limits of its own first.
        plan_limits: bool,
    },
    /// Close one: everything in it is revoked.
    Close {
        /// Which; never by default.
        workspace: WorkspaceId,
    },
    /// List the members of one.
    Members {
        /// Which.
        workspace: Option<WorkspaceId>,
    },
    /// Make an account a member with a role, whatever it was before.
    SetMember {
        /// Of which.
        workspace: Option<WorkspaceId>,
        /// Which account.
        who: Who,
        /// As what.
        role: Role,
    },
    /// Take an account out.
    RemoveMember {
        /// Of which.
        workspace: Option<WorkspaceId>,
        /// Which account.
        who: Who,
    },
}
