//! Calls about projects.

use domain::WorkspaceId;
use serde::{Deserialize, Serialize};

/// A call about projects.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectCall {
    /// Make a project.
    Create {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
    },
    /// List the projects.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
}
