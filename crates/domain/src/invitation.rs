//! Invitations into a workspace.

use serde::{Deserialize, Serialize};

use crate::{AccountId, InvitationId, Role, Timestamp, WorkspaceId};

/// Whoever owns an e-mail address is asked to join a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The address that it was sent to: an account with another one can't accept it.
    pub email: String,
    /// What the account will be there.
    pub role: Role,
    /// The account that invites, if one did.
    pub invited_by: Option<AccountId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its present link was sent.
    pub sent_at: Timestamp,
    /// From when on its link opens nothing.
    pub expires_at: Timestamp,
}
