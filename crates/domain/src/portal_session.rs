//! Who is signed in at the portal.

use std::net::IpAddr;

use crate::{AccountId, PortalSessionId, Timestamp, WorkspaceId, named_enum};

named_enum! {
    /// How far a sign-in has come.
    PortalSessionState {
        /// A second factor is still asked for; nothing else may be done with it.
        Pending = "pending",
        /// Signed in.
        Open = "open",
    }
}

named_enum! {
    /// By what somebody signed in.
    SignInMethod {
        /// A password.
        Password = "password",
        /// A password, and a second factor.
        PasswordAndFactor = "password_and_factor",
        /// A passkey.
        Passkey = "passkey",
        /// Another provider.
        Provider = "provider",
        /// Another provider, and a second factor.
        ProviderAndFactor = "provider_and_factor",
        /// A one-time link that was sent by e-mail or shown on the console.
        Link = "link",
    }
}

impl SignInMethod {
    /// Whether a second factor was shown. A passkey is two by itself: the device, and what unlocks it.
    pub const fn has_factor(self) -> bool {
        match self {
            Self::PasswordAndFactor | Self::Passkey | Self::ProviderAndFactor => true,
            Self::Password | Self::Provider | Self::Link => false,
        }
    }
}

/// A browser that is signed in, or on its way to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSession {
    /// Its id. It opens nothing; what does is a secret that only the browser has.
    pub id: PortalSessionId,
    /// Whose it is.
    pub account_id: AccountId,
    /// How far it has come.
    pub state: PortalSessionState,
    /// By what it was opened.
    pub method: SignInMethod,
    /// The workspace that it looks at, if it has chosen one.
    pub workspace_id: Option<WorkspaceId>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When the person behind it last proved who they are.
    pub confirmed_at: Timestamp,
    /// When it ends, however often it is used.
    pub expires_at: Timestamp,
    /// The network address that opened it.
    pub from: Option<IpAddr>,
    /// What the browser called itself, cut to a bounded length.
    pub browser: String,
}
