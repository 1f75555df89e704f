//! Use cases of the control plane, one file each: accounts, workspaces, projects, API keys, management tokens,
//! signing keys, minting; and [`Gateways`], the feed's sending end.
//!
//! A change is committed with its feed entry and audit event, applied to [`Control::tables`], sent to the
//! gateways and waited for, and only then answered. Minting touches no database.

mod accounts;
mod actor;
mod bootstrap;
mod config;
mod control;
mod gateways;
mod keys;
mod mint;
mod projects;
mod temporary_keys;
mod tokens;
mod workspaces;

pub use accounts::{
    AddMemberError, CreateAccountError, EMAIL_BYTES_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN,
};
pub use actor::Actor;
pub use bootstrap::{DevAccount, DevSecrets};
pub use config::{ControlConfig, MasterKeySource, PlanOverrides, TtlRange, TtlSeconds};
pub use control::{Control, ControlError};
pub use gateways::{Enforced, GatewayHealth, GatewayPort, Gateways};
pub use keys::{CreateKeyError, CreatedKey, ListKeysError, NewKey, RevokeKeyError};
pub use mint::{MintRequest, Minted};
pub use projects::{CreateProjectError, CreatedProject, DeleteProjectError, NewProject, RenameProjectError};
pub use storage::StoreError;
pub use temporary_keys::{ClientRefError, RevokeTemporaryKeyError};
pub use tokens::{CreateTokenError, CreatedToken, RevokeTokenError};
pub use workspaces::{CreateWorkspaceError, CreatedWorkspace, NewWorkspace};
