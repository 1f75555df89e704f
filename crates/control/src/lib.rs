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
mod ended;
mod error;
mod follow;
mod forget;
mod gateway_link;
mod gateways;
mod import;
mod import_file;
mod import_row;
mod instance;
mod instance_keys;
mod key_command;
mod keys;
mod keys_change;
mod last_used;
mod master_key;
mod members;
mod mint;
mod mint_for_account;
mod mint_rate;
mod names;
mod passwords;
mod projects;
mod publish;
mod restore;
mod rewrap;
mod sessions;
mod signing;
mod signing_life;
mod temporary_keys;
mod tokens;
mod usage;
mod workspaces;

pub use accounts::{
    ChangeAccountError, CreateAccountError, DeleteAccountError, EMAIL_BYTES_MAX, NewAccount, SetPasswordError,
};
pub use actor::Actor;
pub use bootstrap::{DevAccount, DevSecrets};
pub use config::{
    ControlConfig, MasterKeySource, PUBLISH_AHEAD_SECONDS, PlanOverrides, Retention, SIGNING_KEY_DAYS_MAX,
    TtlRange, TtlSeconds,
};
pub use control::Control;
pub use ended::ended_after;
pub use error::ControlError;
pub use forget::{ForgetError, Forgotten};
pub use gateways::{Enforced, GatewayHealth, GatewayPort, Gateways, OpenSessions};
pub use import::{ImportError, ImportReport};
pub use import_file::{IMPORT_LINE_BYTES_MAX, ImportFileError, ImportFormat, ImportRows};
pub use import_row::{ImportRow, LineProblem};
pub use key_command::{KEY_COMMAND_SECONDS_MAX, KeyCommandError};
pub use keys::{CreateKeyError, CreatedKey, ListKeysError, NewKey, RevokeKeyError};
pub use keys_change::{ChangeKeyError, ChangedKey, KeyChange, RotateKeyError, RotatedKey};
pub use master_key::{read as read_master_key, write as write_master_key};
pub use members::{AddMemberError, RemoveMemberError, SetMemberError};
pub use mint::{MintRequest, Minted};
pub use mint_for_account::MintForAccountError;
pub use passwords::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN};
pub use projects::{CreateProjectError, CreatedProject, DeleteProjectError, NewProject, RenameProjectError};
pub use restore::{RestoreEnd, end_restore, is_master_key_of};
pub use rewrap::{RewrapError, Rewrapped};
pub use sessions::EndSessionError;
pub use signing_life::{RotatedSigningKey, SignFrom, SigningKeyError, SigningKeyInfo};
pub use storage::{
    AuditAction, AuditEvent, AuditFilter, DbPlace, InvalidDbUrl, Page, PageRequest, Place, StoreError,
    WorkspaceLimits,
};
pub use temporary_keys::{ClientRefError, RevokeTemporaryKeyError};
pub use tokens::{CreateTokenError, CreatedToken, RevokeTokenError};
pub use usage::{USAGE_DAYS, USAGE_ROWS_MAX, UsageError, usage_days};
pub use workspaces::{
    ChangeWorkspaceError, ChangedWorkspace, CloseWorkspaceError, CreateWorkspaceError, CreatedWorkspace,
    NewWorkspace, WorkspaceChange,
};
