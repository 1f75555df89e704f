//! Accounts and workspaces.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Area, OwnLimits, Plan, Timestamp, WorkspaceId, named_enum};

named_enum! {
    /// What an account may do in a workspace.
    Role {
        /// Everything.
        Admin = "admin",
        /// Use projects and make keys.
        Member = "member",
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its e-mail address, as it was entered.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it can't sign in, if it can't.
    pub disabled_at: Option<Timestamp>,
    /// Whether it may operate the instance.
    pub is_operator: bool,
    /// The time zone that it reads times in, by its IANA name.
    pub time_zone: String,
    /// When its address was found to be its own, if it was.
    pub email_verified_at: Option<Timestamp>,
}

/// The time zone of whoever has chosen none.
pub const TIME_ZONE_DEFAULT: &str = "UTC";

/// What accounts belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: Plan,
    /// The area that its keys are linked to unless told otherwise.
    pub home_area: Area,
    /// Where it was granted other limits than those of its plan.
    #[serde(default)]
    pub own_limits: OwnLimits,
    /// When it was made.
    pub created_at: Timestamp,
}
