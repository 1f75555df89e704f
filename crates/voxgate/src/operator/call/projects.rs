//! Calls about projects.

use domain::{ProjectId, WorkspaceId};
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
    /// Give a project another name.
    Rename {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which project.
        id: ProjectId,
        /// The name.
        name: String,
    },
    /// Delete a project: its keys, and everything born of them, are refused from then on.
    Delete {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Which project.
        id: ProjectId,
    },
}
