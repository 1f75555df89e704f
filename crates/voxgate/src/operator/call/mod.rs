//! The calls, as they travel over the socket; one file for each kind of thing that they are about.

mod accounts;
mod audit;
mod client_refs;
mod keys;
mod projects;
mod quotas;
mod sessions;
mod signing_keys;
mod temporary_keys;
mod tokens;
mod usage;
mod webhooks;
mod workspaces;

use domain::{Area, ClientRef, Leash, Product, ProjectId, Region, WorkspaceId};
use serde::{Deserialize, Serialize};

pub use accounts::{AccountCall, Who};
pub use audit::AuditCall;
pub use client_refs::ForgetCall;
pub use keys::{KeyCall, NewExpiry};
pub use projects::ProjectCall;
pub use quotas::QuotaCall;
pub use sessions::SessionCall;
pub use signing_keys::{RewrapCall, SigningKeyCall};
pub use temporary_keys::TemporaryKeyCall;
pub use tokens::TokenCall;
pub use usage::UsageCall;
pub use webhooks::WebhookCall;
pub use workspaces::WorkspaceCall;

/// One call. Where a workspace may be left out, it is the only one of the instance.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// About workspaces.
    Workspaces(WorkspaceCall),
    /// About accounts.
    Accounts(AccountCall),
    /// About projects.
    Projects(ProjectCall),
    /// About API keys.
    Keys(KeyCall),
    /// About management tokens.
    Tokens(TokenCall),
    /// About signing keys.
    SigningKeys(SigningKeyCall),
    /// About temporary keys.
    TemporaryKeys(TemporaryKeyCall),
    /// About open sessions.
    Sessions(SessionCall),
    /// Read the usage.
    Usage(UsageCall),
    /// About quotas on audio.
    Quotas(QuotaCall),
    /// About webhooks.
    Webhooks(WebhookCall),
    /// Forget an end user.
    Forget(ForgetCall),
    /// Seal everything under another master key.
    Rewrap(RewrapCall),
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
        /// What its sessions are held to.
        leash: Leash,
    },
    /// Read the audit log.
    Audit(AuditCall),
    /// Tell what is known of each gateway.
    Gateways,
    /// Take no new connections, finish what is under way, and end.
    Drain,
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

impl From<WorkspaceCall> for Call {
    fn from(call: WorkspaceCall) -> Self {
        Self::Workspaces(call)
    }
}

impl From<WebhookCall> for Call {
    fn from(call: WebhookCall) -> Self {
        Self::Webhooks(call)
    }
}

impl From<QuotaCall> for Call {
    fn from(call: QuotaCall) -> Self {
        Self::Quotas(call)
    }
}

impl From<AccountCall> for Call {
    fn from(call: AccountCall) -> Self {
        Self::Accounts(call)
    }
}

impl From<AuditCall> for Call {
    fn from(call: AuditCall) -> Self {
        Self::Audit(call)
    }
}

impl From<ProjectCall> for Call {
    fn from(call: ProjectCall) -> Self {
        Self::Projects(call)
    }
}

impl From<KeyCall> for Call {
    fn from(call: KeyCall) -> Self {
        Self::Keys(call)
    }
}

impl From<SigningKeyCall> for Call {
    fn from(call: SigningKeyCall) -> Self {
        Self::SigningKeys(call)
    }
}

impl From<RewrapCall> for Call {
    fn from(call: RewrapCall) -> Self {
        Self::Rewrap(call)
    }
}

impl From<SessionCall> for Call {
    fn from(call: SessionCall) -> Self {
        Self::Sessions(call)
    }
}

impl From<UsageCall> for Call {
    fn from(call: UsageCall) -> Self {
        Self::Usage(call)
    }
}

impl From<ForgetCall> for Call {
    fn from(call: ForgetCall) -> Self {
        Self::Forget(call)
    }
}

impl From<TemporaryKeyCall> for Call {
    fn from(call: TemporaryKeyCall) -> Self {
        Self::TemporaryKeys(call)
    }
}

impl From<TokenCall> for Call {
    fn from(call: TokenCall) -> Self {
        Self::Tokens(call)
    }
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
