//! What a temporary key says: its claims, after they were read strictly and before they are believed.

use crate::link::Revision;
use crate::{
    ApiKeyId, AreaSet, ClientRef, Leash, Product, ProjectId, TemporaryKeyId, Timestamp, WorkspaceId,
};

/// The claims of a temporary key (design 4). Times have whole seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`: the instance that made it, as text so that a foreign one can be compared.
    pub issuer: String,
    /// `aud`: the areas that it works in.
    pub areas: AreaSet,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `nbf`.
    pub not_before: Timestamp,
    /// `exp` = `iat` + ttl exactly.
    pub expires_at: Timestamp,
    /// `jti`: names the parent key too.
    pub id: TemporaryKeyId,
    /// `rev`: the feed revision at minting, which orders it against revocations of its client_ref.
    pub revision: Revision,
    /// `sub` and `project_id`.
    pub project_id: ProjectId,
    /// `workspace_id`.
    pub workspace_id: WorkspaceId,
    /// `apikey_id`: its parent, equal to the parent in `jti`.
    pub api_key_id: ApiKeyId,
    /// `product`.
    pub product: Product,
    /// `client_ref`.
    pub client_ref: Option<ClientRef>,
    /// `leash`; empty when absent.
    pub leash: Leash,
}
