//! Who a request comes from, after everything was checked.

use std::net::IpAddr;
use std::sync::Arc;

use domain::link::Revision;
use domain::{
    ApiKeyId, AreaSet, ClientRef, Leash, PlanLimits, Product, ProductSet, ProjectId, Region, TemporaryKeyId,
    Timestamp, WorkspaceId,
};

/// Who holds a genuine credential that was refused. Unlike a [`Principal`] it may do nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The project.
    pub project_id: ProjectId,
    /// The API key, or the parent of the temporary key.
    pub api_key_id: ApiKeyId,
    /// The client_ref.
    pub client_ref: Option<ClientRef>,
    /// Whether it is a temporary key.
    pub is_temporary: bool,
}

/// Who a request comes from. Only [`crate::Tables`] makes one, after every check passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) workspace_id: WorkspaceId,
    pub(crate) project_id: ProjectId,
    pub(crate) api_key_id: ApiKeyId,
    pub(crate) temporary_key_id: Option<TemporaryKeyId>,
    pub(crate) product: Option<Product>,
    pub(crate) products: ProductSet,
    pub(crate) areas: AreaSet,
    pub(crate) region: Option<Region>,
    pub(crate) client_ref: Option<ClientRef>,
    pub(crate) leash: Arc<Leash>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) limits: PlanLimits,
    /// Where it was used from, so that networks taken from its key later count for open sessions.
    pub(crate) peer: IpAddr,
    /// The `rev` of the temporary key, so that a client_ref revoked later counts for open sessions.
    pub(crate) minted_at: Option<Revision>,
    /// The tag of the signing key of a temporary key, so that one revoked later counts for open sessions.
    pub(crate) signed_by: Option<u128>,
}

impl Principal {
    /// The workspace.
    pub const fn workspace_id(&self) -> WorkspaceId {
        self.workspace_id
    }

    /// The project.
    pub const fn project_id(&self) -> ProjectId {
        self.project_id
    }

    /// The API key, or the parent of the temporary key.
    pub const fn api_key_id(&self) -> ApiKeyId {
        self.api_key_id
    }

    /// The temporary key, if it was one.
    pub const fn temporary_key_id(&self) -> Option<TemporaryKeyId> {
        self.temporary_key_id
    }

    /// Whether it is a temporary key of this signing key.
    pub fn is_signed_by(&self, kid: &domain::Kid) -> bool {
        self.signed_by == Some(kid.tag())
    }

    /// The product that was needed.
    pub const fn product(&self) -> Option<Product> {
        self.product
    }

    /// The products that it is good for.
    pub const fn products(&self) -> ProductSet {
        self.products
    }

    /// The areas that it is good for.
    pub const fn areas(&self) -> AreaSet {
        self.areas
    }

    /// The region that was needed.
    pub const fn region(&self) -> Option<Region> {
        self.region
    }

    /// The client_ref that it is isolated to.
    pub const fn client_ref(&self) -> Option<&ClientRef> {
        self.client_ref.as_ref()
    }

    /// The leash; empty for an API key.
    pub const fn leash(&self) -> &Arc<Leash> {
        &self.leash
    }

    /// When the temporary key expires; none for an API key.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The limits of the workspace's plan.
    pub const fn limits(&self) -> &PlanLimits {
        &self.limits
    }
}
