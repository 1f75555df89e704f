//! Calls about API keys.

use control::ImportRow;
use domain::{ApiKeyId, AreaSet, ClientRef, Networks, ProductSet, ProjectId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

/// When a key shall expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewExpiry {
    /// Never.
    Never,
    /// At this moment; at once if it has passed.
    At(Timestamp),
}

/// A call about API keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCall {
    /// Make an API key.
    Create {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project; the default one if left out.
        project: Option<ProjectId>,
        /// Its name.
        name: String,
        /// Its areas.
        areas: Option<AreaSet>,
        /// Its products.
        products: Option<ProductSet>,
        /// When it expires.
        expires_at: Option<Timestamp>,
        /// Its networks.
        networks: Networks,
        /// Its client_ref.
        client_ref: Option<ClientRef>,
    },
    /// List API keys.
    List {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Only this project's.
        project: Option<ProjectId>,
    },
    /// Replace an API key by a new one.
    Rotate {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key.
        id: ApiKeyId,
        /// How long the old one lives on.
        overlap_seconds: u32,
    },
    /// Change an API key; what is left out stays.
    Change {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key.
        id: ApiKeyId,
        /// Its name.
        name: Option<String>,
        /// When it expires.
        expires_at: Option<NewExpiry>,
        /// Its areas.
        areas: Option<AreaSet>,
        /// Its products.
        products: Option<ProductSet>,
        /// Its networks; empty for anywhere.
        networks: Option<Networks>,
    },
    /// Take in API keys that were made elsewhere, or say what would come of it.
    Import {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Whether nothing is to be done.
        dry_run: bool,
        /// The keys.
        rows: Vec<ImportRow>,
    },
    /// Tell a workspace's default project, or whether another one is there.
    Project {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project; the default one if left out.
        project: Option<ProjectId>,
    },
    /// Revoke an API key.
    Revoke {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key.
        id: ApiKeyId,
    },
}
