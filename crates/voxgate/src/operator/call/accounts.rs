//! Calls about accounts.

use std::fmt;
use std::str::FromStr;

use domain::{AccountId, Role, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Which account: by its id or by its e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// By its id.
    Id(AccountId),
    /// By its e-mail address.
    Email(String),
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match AccountId::parse(text) {
            Some(id) => Ok(Self::Id(id)),
            None if text.contains('@') => Ok(Self::Email(text.to_owned())),
            None => {
                Err("expected an account's e-mail address or its id: voxgate users list shows both"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(email) => f.write_str(email),
        }
    }
}

/// A call about accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountCall {
    /// Make an account.
    Create {
        /// Its e-mail address.
        email: String,
        /// The workspace that it belongs to from the beginning, and as what.
        membership: Option<(WorkspaceId, Role)>,
    },
    /// List all accounts.
    List,
    /// Let an account sign in no more.
    Disable {
        /// Which.
        who: Who,
    },
    /// Let an account sign in again.
    Enable {
        /// Which.
        who: Who,
    },
    /// Let an account operate the instance, or no more.
    SetOperator {
        /// Which.
        who: Who,
        /// Whether it may.
        is_operator: bool,
    },
    /// Make a link by which an account's owner chooses another password.
    PasswordLink {
        /// Which.
        who: Who,
    },
    /// Make a one-time link that makes an operator's account.
    SetUpLink,
    /// Delete an account, its memberships, and its name in the audit log.
    Delete {
        /// Which.
        who: Who,
    },
}
