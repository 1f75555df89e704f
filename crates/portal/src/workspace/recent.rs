//! Who may do what can't be taken back: an admin who signed in, or confirmed who they are, a moment ago.

use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;

use crate::web::visit::Turned;
use crate::web::{Admin, InstanceOperator, Member, Portal, RECENT_MINUTES_MAX, SignedIn};

/// An admin of the workspace, certain a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct RecentAdmin(pub(crate) Member);

/// An operator of the instance, certain a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct RecentOperator(pub(crate) SignedIn);

fn check(signed_in: &SignedIn, parts: &mut Parts, portal: &Portal) -> Result<(), Turned> {
    let until = signed_in.session.confirmed_at.plus_seconds(RECENT_MINUTES_MAX * 60);
    if portal.control.now() < until {
        return Ok(());
    }
    // Forms are sent to the address of the page that shows them, so that is where to come back to.
    parts.method = Method::GET;
    Err(Turned::to("/confirm", parts))
}

impl FromRequestParts<Portal> for RecentAdmin {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        // Whoever may not do it isn't asked who they are.
        let Admin(member) = Admin::from_request_parts(parts, portal).await?;
        check(&member.signed_in, parts, portal)?;
        Ok(Self(member))
    }
}

impl FromRequestParts<Portal> for RecentOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let InstanceOperator(signed_in) = InstanceOperator::from_request_parts(parts, portal).await?;
        check(&signed_in, parts, portal)?;
        Ok(Self(signed_in))
    }
}
