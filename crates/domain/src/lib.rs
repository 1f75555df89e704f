//! The words of Voxgate as types: ids, accounts, workspaces, keys, regions, plans, states and the
//! messages between the control plane and the gateways.
//!
//! No I/O and no async: time comes from a [`Clock`], randomness from an [`Rng`], both handed in.

pub mod account;
pub mod area;
pub mod bits;
pub mod client_ref;
pub mod clock;
pub mod email_link;
pub mod factor;
pub mod hash;
pub mod ids;
pub mod invitation;
pub mod key;
pub mod leash;
pub mod limits;
pub mod link;
pub mod permission;
pub mod plan;
pub mod portal_session;
pub mod product;
pub mod project;
pub mod quota;
pub mod rate;
pub mod reason;
mod request_id;
pub mod rng;
pub mod signing;
pub mod token;
pub mod usage;
pub mod webhook;

pub use account::{Account, Role, TIME_ZONE_DEFAULT, Workspace};
pub use area::{Area, AreaSet, Region};
pub use client_ref::ClientRef;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use email_link::{EmailLink, EmailLinkPurpose};
pub use factor::{Identity, Passkey, SecondFactors};
pub use hash::SecretHash;
pub use ids::{
    AccountId, ApiKeyId, FormId, InstanceId, InvitationId, ManagementTokenId, PasskeyId, PortalSessionId,
    ProjectId, SessionId, TemporaryKeyId, WebhookId, WebhookMessageId, WorkspaceId,
};
pub use invitation::Invitation;
pub use key::{ApiKey, KeyState, ManagementToken, Networks};
pub use leash::Leash;
pub use permission::{Permission, PermissionSet};
pub use plan::{OwnLimits, Plan, PlanLimits};
pub use portal_session::{PortalSession, PortalSessionState, SignInMethod};
pub use product::{Product, ProductSet};
pub use project::Project;
pub use quota::{AudioQuota, Month, QuotaScope, QuotaSubject};
pub use reason::{Reason, Refusal};
pub use request_id::RequestId;
pub use rng::{Rng, SystemRng};
pub use signing::{Algorithm, Kid, SigningKeyState, VerifyingKey};
pub use webhook::{MessageState, Webhook, WebhookEvent, WebhookEvents, WebhookMessage};
