//! Use cases of the control plane, one file each: accounts, workspaces, projects, API keys, management tokens,
//! signing keys, minting; and [`Gateways`], the feed's sending end.
//!
//! A change is committed with its feed entry and audit event, applied to [`Control::tables`], sent to the
//! gateways and waited for, and only then answered. Minting touches no database.

mod accounts;
mod actor;
mod audit;
mod bootstrap;
mod buckets;
mod config;
mod control;
mod email_links;
mod ended;
mod error;
mod factor_policy;
mod factors;
mod follow;
mod forget;
mod gateway_link;
mod gateways;
mod identities;
mod import;
mod import_file;
mod import_row;
mod instance;
mod instance_keys;
mod instance_lists;
mod invitations;
mod invited;
mod key_command;
mod key_leak;
mod key_search;
mod keys;
mod keys_change;
mod known_devices;
mod last_used;
mod master_key;
mod members;
mod mint;
mod mint_for_account;
mod mint_rate;
mod names;
mod once;
mod passkeys;
mod password_rules;
mod passwords;
mod portal_sessions;
mod profile;
mod projects;
mod provider_answer;
mod provider_http;
mod providers;
mod publish;
mod quotas;
mod recovery_codes;
mod registration;
mod reset_link;
mod restore;
mod rewrap;
mod sessions;
mod sessions_of_key;
mod sign_in;
mod signing;
mod signing_life;
mod temporary_keys;
mod tickets;
mod tokens;
mod totp;
mod usage;
mod webhook_client;
mod webhook_delivery;
mod webhook_events;
mod webhook_sign;
mod webhooks;
mod workspaces;

pub use accounts::{
    ChangeAccountError, CreateAccountError, DeleteAccountError, EMAIL_BYTES_MAX, NewAccount, SetPasswordError,
};
pub use actor::{Actor, Who};
pub use bootstrap::{DevAccount, DevSecrets};
pub use buckets::SlowRate;
pub use config::{
    ControlConfig, MasterKeySource, PUBLISH_AHEAD_SECONDS, PlanOverrides, Retention, SIGNING_KEY_DAYS_MAX,
    TtlRange, TtlSeconds,
};
pub use control::Control;
pub use email_links::{EmailChange, EmailChangeError, EmailChanged, LinkError};
pub use ended::ended_after;
pub use error::ControlError;
pub use factor_policy::{FactorDemand, SecondFactorPolicy};
pub use factors::{AddedFactor, ChangeFactorError, FactorError};
pub use forget::{ForgetError, Forgotten};
pub use gateways::{Enforced, GatewayHealth, GatewayPort, Gateways, OpenSessions};
pub use identities::IDENTITIES_MAX;
pub use import::{ImportError, ImportReport};
pub use import_file::{IMPORT_LINE_BYTES_MAX, ImportFileError, ImportFormat, ImportRows};
pub use import_row::{ImportRow, LineProblem};
pub use invitations::{
    AcceptError, INVITATION_DAYS, INVITATION_RESEND_SECONDS_MIN, INVITATIONS_PER_DAY_MAX, InviteError,
    OpenInvitation, ResendError, SentInvitation, WithdrawError,
};
pub use invited::RegisterInvitedError;
pub use key_command::{KEY_COMMAND_SECONDS_MAX, KeyCommandError};
pub use key_leak::{EndedLeak, KEY_EVENTS_MAX, KeyActivity};
pub use key_search::{EXPIRES_SOON_SECONDS, KeyMaker, KeyStanding, ListedKey};
pub use keys::{CreateKeyError, CreatedKey, ListKeysError, NewKey, RevokeKeyError};
pub use keys_change::{ChangeKeyError, ChangedKey, KeyChange, RotateKeyError, RotatedKey};
pub use known_devices::KNOWN_DEVICE_DAYS_MAX;
pub use master_key::{read as read_master_key, write as write_master_key};
pub use members::{AddMemberError, RemoveMemberError, SetMemberError};
pub use mint::{MintRequest, Minted};
pub use mint_for_account::MintForAccountError;
pub use once::Made;
pub use passkeys::{
    Browser, NewPasskey, PASSKEY_ANSWER_BYTES_MAX, PASSKEYS_MAX, PasskeyOrigin, PasskeyQuestion,
};
pub use password_rules::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PasswordProblem};
pub use passwords::PasswordError;
pub use portal_sessions::{
    BROWSER_NAME_BYTES_MAX, Begun, PENDING_SIGN_IN_MINUTES_MAX, PORTAL_SESSION_DAYS_MAX,
    PORTAL_SESSION_IDLE_DAYS_MAX, SignIn, SignInError,
};
pub use profile::{ChangePasswordError, PasswordChange, StaySignedIn, TIME_ZONE_BYTES_MAX};
pub use projects::{
    ChangeProjectError, CreateProjectError, CreatedProject, DeleteProjectError, NewProject,
    RenameProjectError,
};
pub use provider_http::{
    PROVIDER_ANSWER_BYTES_MAX, PROVIDER_REQUESTS_MAX, PROVIDER_SECONDS_MAX, ProviderHttpError,
    is_provider_address,
};
pub use providers::{
    ProviderCallback, ProviderConfig, ProviderError, ProviderKind, ProviderPurpose, ProviderUser, Providers,
};
pub use quotas::{AudioQuotas, QuotaStanding, RemoveQuotaError, SetQuotaError};
pub use recovery_codes::{RECOVERY_CODES_MAX, RecoveryCodes};
pub use registration::{
    Applicant, ConfirmEmailError, RegisterError, Registered, Registration, RegistrationPolicy,
};
pub use restore::{RestoreEnd, end_restore, is_master_key_of};
pub use rewrap::{RewrapError, Rewrapped};
pub use sessions::EndSessionError;
pub use sessions_of_key::EndSessionsError;
pub use sign_in::{Known, PasswordAttempt, PasswordRefused, SignInLimits, VerifiedPassword};
pub use signing_life::{RotatedSigningKey, SignFrom, SigningKeyError, SigningKeyInfo};
pub use storage::{
    AuditAction, AuditEvent, AuditFilter, DbPlace, InvalidDbUrl, KeyLife, KeySearch, Member, Page,
    PageRequest, Place, Quota, Refusals, StoreError, WorkspaceLimits,
};
pub use temporary_keys::{ClientRefError, RevokeTemporaryKeyError};
pub use tickets::{TICKET_BYTES_MAX, TICKET_SECONDS_MAX, TicketError};
pub use tokens::{CreateTokenError, CreatedToken, RevokeTokenError};
pub use totp::{TOTP_FAILURES_MAX, TOTP_GUESS_SECONDS, TOTP_GUESSES_KEPT_MAX, TotpOffer};
pub use usage::{USAGE_DAYS, USAGE_ROWS_MAX, UsageError, usage_days};
pub use webhook_client::{
    WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_SECONDS_MAX, WEBHOOK_URL_BYTES_MAX, WebhookReach,
};
pub use webhooks::{
    CreateWebhookError, CreatedWebhook, WEBHOOK_MESSAGES_MAX, WEBHOOK_OVERLAP_SECONDS_MAX,
    WEBHOOKS_PER_WORKSPACE_MAX, WebhookError, WebhookSecret,
};
pub use workspaces::{
    ChangeWorkspaceError, ChangedWorkspace, CloseWorkspaceError, CreateOwnWorkspaceError,
    CreateWorkspaceError, CreatedWorkspace, NewWorkspace, WORKSPACES_PER_ACCOUNT_MAX, WorkspaceChange,
};
