//! API keys and management tokens, without their secrets.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ApiKeyId, AreaSet, ClientRef, ManagementTokenId, PermissionSet, ProductSet, ProjectId,
    SecretHash, Timestamp, WorkspaceId,
};

/// Networks that a credential may be used from. Empty means from anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Networks(pub Vec<IpNet>);

impl Networks {
    /// Whether a peer at `address` may use the credential. IPv4 addresses mapped into IPv6 count as IPv4.
    pub fn allow(&self, address: std::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|network| network.contains(&address))
    }
}

/// Whether a key is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It may be used until it expires.
    Active,
    /// It was revoked and stays so.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

/// A key was revoked already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this key was revoked already")]
pub struct AlreadyRevoked;

impl KeyState {
    /// Revokes; what is revoked cannot be revoked again, and nothing makes it active again.
    ///
    /// # Errors
    /// When it was revoked before.
    pub fn revoke(self, at: Timestamp) -> Result<Self, AlreadyRevoked> {
        match self {
            Self::Active => Ok(Self::Revoked { at }),
            Self::Revoked { .. } => Err(AlreadyRevoked),
        }
    }

    /// When it was revoked, if it was.
    pub const fn revoked_at(self) -> Option<Timestamp> {
        match self {
            Self::Active => None,
            Self::Revoked { at } => Some(at),
        }
    }
}

/// An API key as the control plane knows it: never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// The workspace of that project.
    pub workspace_id: WorkspaceId,
    /// Its name, at most 120 characters.
    pub name: String,
    /// Prefix and last four characters of the secret, for recognising it.
    pub hint: String,
    /// Who made it: an account, or nobody that is still known.
    pub created_by: Option<AccountId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it, or a temporary key of it, was last used.
    pub last_used_at: Option<Timestamp>,
    /// When a temporary key of it was last used.
    pub temporary_keys_last_used_at: Option<Timestamp>,
    /// When it was imported, if it was not made here.
    pub imported_at: Option<Timestamp>,
    /// The areas that it is linked to.
    pub areas: AreaSet,
    /// The products that it may be used for.
    pub products: ProductSet,
    /// The networks that it may be used from.
    pub networks: Networks,
    /// Isolates it as a temporary key with this client_ref would be.
    pub client_ref: Option<ClientRef>,
    /// The key that it replaces.
    pub rotated_from: Option<ApiKeyId>,
    /// Whether it is alive.
    pub state: KeyState,
}

/// A management token as the control plane knows it: never the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagementToken {
    /// Its id.
    pub id: ManagementTokenId,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// The workspace that it may manage.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Prefix and last four characters of the secret.
    pub hint: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Whether it is alive.
    pub state: KeyState,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A revoked key stays revoked: there is no way back, and a second revocation is told as such.
    #[test]
    fn revocation_is_final() {
        let at = Timestamp::from_seconds(1);
        let revoked = KeyState::Active.revoke(at).unwrap();
        assert_eq!(revoked.revoked_at(), Some(at));
        assert_eq!(revoked.revoke(at), Err(AlreadyRevoked));
    }

    /// No networks means anywhere; a mapped IPv4 address is the IPv4 address.
    #[test]
    fn networks_allow_who_is_inside() {
        assert!(Networks::default().allow("192.0.2.1".parse().unwrap()));
        let networks = Networks(vec!["192.0.2.0/24".parse().unwrap()]);
        assert!(networks.allow("192.0.2.7".parse().unwrap()));
        assert!(networks.allow("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!networks.allow("198.51.100.7".parse().unwrap()));
    }
}
