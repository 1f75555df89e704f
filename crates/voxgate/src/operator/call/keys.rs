//! Calls about API keys.

use domain::{ApiKeyId, AreaSet, ClientRef, Networks, ProductSet, ProjectId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

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
    /// Revoke an API key.
    Revoke {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key.
        id: ApiKeyId,
    },
}
