//! Use cases of the control plane, one file each: accounts, workspaces, projects, API keys, management tokens,
//! signing keys, minting; and [`Gateways`], the feed's sending end.
//!
//! A change is committed with its feed entry and audit event, applied to [`Control::tables`], sent to the
//! gateways and waited for, and only then answered. Minting touches no database.

mod accounts;
mod actor;
mod audit;
mod bootstrap;
mod config;
mod control;
mod error;
mod gateway_link;
mod gateways;
mod instance;
mod keys;
mod last_used;
mod master_key;
mod mint;
mod mint_rate;
mod names;
mod passwords;
mod projects;
mod publish;
mod signing;
mod temporary_keys;
mod tokens;
mod workspaces;

pub use accounts::{AddMemberError, CreateAccountError, EMAIL_BYTES_MAX, SetPasswordError};
pub use actor::Actor;
pub use bootstrap::{DevAccount, DevSecrets};
pub use config::{ControlConfig, MasterKeySource, PlanOverrides, TtlRange, TtlSeconds};
pub use control::Control;
pub use error::ControlError;
pub use gateways::{Enforced, GatewayHealth, GatewayPort, Gateways};
pub use keys::{CreateKeyError, CreatedKey, ListKeysError, NewKey, RevokeKeyError};
pub use mint::{MintRequest, Minted};
pub use passwords::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
pub use projects::{CreateProjectError, CreatedProject, DeleteProjectError, NewProject, RenameProjectError};
pub use storage::{AuditAction, AuditEvent, StoreError};
pub use temporary_keys::{ClientRefError, RevokeTemporaryKeyError};
pub use tokens::{CreateTokenError, CreatedToken, RevokeTokenError};
pub use workspaces::{CreateWorkspaceError, CreatedWorkspace, NewWorkspace};
