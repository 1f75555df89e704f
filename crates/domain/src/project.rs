//! Projects.

use serde::{Deserialize, Serialize};

use crate::{ProjectId, Timestamp, WorkspaceId};

/// What holds API keys, and the jobs made with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id, an integer on the wire.
    pub id: ProjectId,
    /// The workspace that owns it.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is the workspace's undeletable one.
    pub is_default: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted; its keys died with it.
    pub deleted_at: Option<Timestamp>,
}
