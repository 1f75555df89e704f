//! One-time links: by e-mail, or on the console of whoever runs the instance.

use crate::{AccountId, Timestamp, named_enum};

named_enum! {
    /// What a one-time link is for. It can't be used for anything else.
    EmailLinkPurpose {
        /// Shows that an address is whose it was said to be.
        VerifyEmail = "verify_email",
        /// Chooses another password.
        ResetPassword = "reset_password",
        /// Chooses a password, by a link that an operator hands over: nothing is known of the mailbox.
        ChoosePassword = "choose_password",
        /// Moves an account to another address.
        ChangeEmail = "change_email",
        /// Makes the first account, an operator's: works as long as there is none.
        FirstOperator = "first_operator",
        /// Makes one more operator's account.
        NewOperator = "new_operator",
    }
}

impl EmailLinkPurpose {
    /// Such a link, without the portal's address.
    pub fn link_path(self, secret: &str) -> String {
        format!("{}?token={secret}", self.page_path())
    }

    /// The portal's page that takes such a link.
    const fn page_path(self) -> &'static str {
        match self {
            Self::VerifyEmail => "/verify-email",
            Self::ResetPassword | Self::ChoosePassword => "/reset-password",
            Self::ChangeEmail => "/change-email",
            Self::FirstOperator | Self::NewOperator => "/set-up",
        }
    }

    /// How long such a link works, in minutes.
    pub const fn minutes_max(self) -> i64 {
        match self {
            // Grants nothing by itself: the password is asked for too.
            Self::VerifyEmail => 24 * 60,
            // Whoever reads the mailbox becomes the owner. Long enough for mail that is held back once (greylisting).
            Self::ResetPassword => 30,
            Self::ChangeEmail => 60,
            // Whoever installs something is interrupted, and the console is theirs; what is handed over waits for its reader.
            Self::FirstOperator | Self::NewOperator | Self::ChoosePassword => 24 * 60,
        }
    }
}

/// A one-time link, without the secret that opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailLink {
    /// What it is for.
    pub purpose: EmailLinkPurpose,
    /// Whose account it concerns; those that make an account concern none yet.
    pub account_id: Option<AccountId>,
    /// The address that it was sent to; empty where it was shown on the console.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it works no more.
    pub expires_at: Timestamp,
}
