//! The calls, as they travel over the socket.

use domain::{
    ApiKeyId, Area, AreaSet, ClientRef, ManagementTokenId, Networks, PermissionSet, Plan, Product,
    ProductSet, ProjectId, Region, Timestamp, WorkspaceId,
};
use serde::{Deserialize, Serialize};

/// One call. Where a workspace may be left out, it is the only one of the instance.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// Make a workspace with its default project.
    CreateWorkspace {
        /// Its name.
        name: String,
        /// Its plan.
        plan: Plan,
        /// The area of its keys unless told otherwise.
        home_area: Area,
    },
    /// List the workspaces.
    ListWorkspaces,
    /// Make a project.
    CreateProject {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
    },
    /// List the projects.
    ListProjects {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
    /// Make an API key.
    CreateKey {
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
    ListKeys {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Only this project's.
        project: Option<ProjectId>,
    },
    /// Revoke an API key.
    RevokeKey {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The key.
        id: ApiKeyId,
    },
    /// Make a management token.
    CreateToken {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// Its name.
        name: String,
        /// What it may do.
        permissions: PermissionSet,
    },
    /// List management tokens.
    ListTokens {
        /// The workspace.
        workspace: Option<WorkspaceId>,
    },
    /// Revoke a management token.
    RevokeToken {
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The token.
        id: ManagementTokenId,
    },
    /// Mint a temporary key.
    Mint {
        /// The API key that mints.
        api_key: String,
        /// The product.
        product: Product,
        /// How long it lives.
        ttl_seconds: u32,
        /// Narrows it to this area.
        area: Option<Area>,
        /// The end user that it is for.
        client_ref: Option<ClientRef>,
    },
    /// Say whether a credential would be let in, and why not.
    Verify {
        /// The credential.
        credential: String,
        /// For this product.
        product: Option<Product>,
        /// In this region.
        region: Option<Region>,
    },
    /// Take in jobs that an engine held before Voxgate.
    AdoptJobs {
        /// Where the engine is.
        region: Region,
        /// The workspace.
        workspace: Option<WorkspaceId>,
        /// The project that shall own them.
        project: ProjectId,
        /// The client_ref that shall own them.
        client_ref: Option<ClientRef>,
    },
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Some calls carry credentials.
        f.write_str("Call(…)")
    }
}

/// Why a call failed, in a sentence for whoever called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallError(pub String);

impl CallError {
    /// A failure with its whole story.
    pub fn from_error(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            let cause = source.to_string();
            // Some errors repeat their cause in their own sentence.
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            next = source.source();
        }
        Self(text)
    }
}
