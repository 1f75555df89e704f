//! What was just done, told once by the next page. Only known words travel in the address.

use domain::named_enum;

named_enum! {
    /// What was just done.
    Notice {
        /// Signed out.
        SignedOut = "signed-out",
        /// A temporary key was revoked.
        TemporaryKeyRevoked = "temporary-key-revoked",
        /// Something was changed.
        Saved = "saved",
        /// A password was changed.
        PasswordChanged = "password-changed",
        /// An account has another address.
        EmailChanged = "email-changed",
        /// Another browser was signed out.
        DeviceSignedOut = "device-signed-out",
        /// All other browsers were signed out.
        OthersSignedOut = "others-signed-out",
        /// An account was deleted.
        AccountDeleted = "account-deleted",
        /// A key or a token was made before, by the very form that was sent again.
        MadeBefore = "made-before",
        /// An API key was revoked.
        KeyRevoked = "key-revoked",
        /// An API key was revoked already.
        RevokedBefore = "revoked-before",
        /// A leaked key was ended.
        LeakEnded = "leak-ended",
        /// A management token was revoked.
        TokenRevoked = "token-revoked",
        /// A session was ended.
        SessionEnded = "session-ended",
        /// All sessions of a key were ended.
        SessionsEnded = "sessions-ended",
        /// There was no session to end.
        NoSessionOpen = "no-session-open",
        /// A workspace was closed.
        WorkspaceClosed = "workspace-closed",
        /// Another workspace is looked at.
        WorkspaceSwitched = "workspace-switched",
        /// A workspace was made.
        WorkspaceCreated = "workspace-created",
        /// A project was made.
        ProjectCreated = "project-created",
        /// A project was deleted.
        ProjectDeleted = "project-deleted",
        /// Somebody left a workspace.
        MemberRemoved = "member-removed",
        /// An invitation was sent.
        InvitationSent = "invitation-sent",
        /// An invitation was withdrawn.
        InvitationWithdrawn = "invitation-withdrawn",
        /// An invitation was accepted.
        Joined = "joined",
        /// A mail was sent.
        MailSent = "mail-sent",
    }
}

impl Notice {
    /// The sentence that the next page shows.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out.",
            Self::TemporaryKeyRevoked => "The temporary key is revoked, and its sessions have ended.",
            Self::Saved => "Saved.",
            Self::PasswordChanged => "Your password is changed.",
            Self::EmailChanged => "Your e-mail address is changed.",
            Self::DeviceSignedOut => "That browser is signed out.",
            Self::OthersSignedOut => "All other browsers are signed out.",
            Self::AccountDeleted => "Your account is deleted.",
            Self::MadeBefore => {
                "It was made already when this form was sent before, and can’t be shown again. If you don’t have it, revoke it \
                 and make a new one."
            }
            Self::KeyRevoked => "The key is revoked. Its temporary keys and its sessions have ended with it.",
            Self::RevokedBefore => "The key was revoked already.",
            Self::LeakEnded => {
                "The key is revoked, and what it opened has ended. Below is what it did. Give whatever needs a key a new one."
            }
            Self::TokenRevoked => "The token is revoked.",
            Self::SessionEnded => "The session has ended.",
            Self::SessionsEnded => "The sessions have ended.",
            Self::NoSessionOpen => "No session of this key was open any more.",
            Self::WorkspaceClosed => "The workspace is closed. Its keys are refused from now on.",
            Self::WorkspaceSwitched => "This is the workspace that you look at from now on.",
            Self::WorkspaceCreated => "The workspace is made, and you are its admin.",
            Self::ProjectCreated => "The project is made.",
            Self::ProjectDeleted => "The project is deleted. Its keys are refused from now on.",
            Self::MemberRemoved => "The membership has ended. Keys that were made go on.",
            Self::InvitationSent => "The invitation is on its way.",
            Self::InvitationWithdrawn => "The invitation is withdrawn. Its link works no more.",
            Self::Joined => "Welcome: you belong to this workspace now.",
            Self::MailSent => "The mail is on its way.",
        }
    }
}
