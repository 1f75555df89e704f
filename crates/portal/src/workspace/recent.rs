//! Who may do what can't be taken back: an admin who signed in, or confirmed who they are, a moment ago.

use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;

use crate::web::visit::Turned;
use crate::web::{Admin, InstanceOperator, Member, Portal, SignedIn};

/// An admin of the workspace, certain a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct RecentAdmin(pub(crate) Member);

/// An operator of the instance, certain a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct RecentOperator(pub(crate) SignedIn);

fn ask_again(parts: &mut Parts) -> Turned {
    // Forms are sent to the address of the page that shows them, so that is where to come back to.
    parts.method = Method::GET;
    Turned::to("/confirm", parts)
}

impl FromRequestParts<Portal> for RecentAdmin {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        // Whoever may not do it isn't asked who they are.
        let Admin(member) = Admin::from_request_parts(parts, portal).await?;
        if member.signed_in.is_recent(portal) { Ok(Self(member)) } else { Err(ask_again(parts)) }
    }
}

impl FromRequestParts<Portal> for RecentOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let InstanceOperator(signed_in) = InstanceOperator::from_request_parts(parts, portal).await?;
        if signed_in.is_recent(portal) { Ok(Self(signed_in)) } else { Err(ask_again(parts)) }
    }
}
