//! Calls about workspaces.

use domain::{Area, Plan};
use serde::{Deserialize, Serialize};

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
}
