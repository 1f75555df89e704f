//! Who visits a workspace: the one that the session looks at, as long as the account belongs to it; else the one that it
//! joined first. Membership is read anew at every request.

use axum::extract::FromRequestParts;
use control::Actor;
use domain::{Role, Workspace};
use http::request::Parts;

use super::visit::Turned;
use super::{Portal, Problem, SignedIn};

/// Somebody in a workspace of theirs.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) signed_in: SignedIn,
    pub(crate) workspace: Workspace,
    pub(crate) role: Role,
}

/// A member who may do everything in the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Admin(pub(crate) Member);

impl Member {
    /// Who acts, and from where, for the audit log.
    pub(crate) fn actor(&self) -> Actor {
        self.signed_in.actor()
    }

    /// Whether they may do everything in the workspace.
    pub(crate) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

impl FromRequestParts<Portal> for Member {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        let memberships =
            portal.control.list_memberships(signed_in.account.id).await.map_err(Problem::from)?;
        let chosen = memberships.iter().find(|(id, _)| Some(*id) == signed_in.session.workspace_id);
        let Some((id, role)) = chosen.or(memberships.first()).copied() else {
            return Err(Turned::to("/workspaces/new", parts));
        };
        let workspace = portal.control.find_workspace(id).await.map_err(Problem::from)?;
        let workspace = workspace.ok_or_else(Problem::not_found)?;
        Ok(Self { signed_in, workspace, role })
    }
}

impl FromRequestParts<Portal> for Admin {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let member = Member::from_request_parts(parts, portal).await?;
        if member.is_admin() {
            return Ok(Self(member));
        }
        Err(Problem::forbidden("Only admins of this workspace may do this. Ask one of them.").into())
    }
}
