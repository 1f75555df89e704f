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
    }
}

impl Notice {
    /// The sentence that the next page shows.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out.",
            Self::TemporaryKeyRevoked => "The temporary key is revoked, and its sessions have ended.",
            Self::Saved => "Saved.",
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
        }
    }
}
