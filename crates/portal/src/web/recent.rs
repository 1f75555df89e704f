//! Those who signed in, or confirmed who they are, a moment ago: what matters most is for them alone. Others are asked who they
//! are, and come back; whoever may not do it at all isn't asked.

use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;

use super::visit::Turned;
use super::{Admin, InstanceOperator, Member, Portal, SignedIn};

/// Somebody.
#[derive(Debug, Clone)]
pub(crate) struct Recent(pub(crate) SignedIn);

/// A member of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct RecentMember(pub(crate) Member);

/// An admin of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct RecentAdmin(pub(crate) Member);

/// An operator of the instance.
#[derive(Debug, Clone)]
pub(crate) struct RecentOperator(pub(crate) SignedIn);

/// Turns to the page where they confirm who they are.
fn ask_again(parts: &Parts) -> Turned {
    Turned::to("/confirm", parts)
}

/// The same, from a form that is sent to the address of the page that shows it: that is where to come back to.
fn ask_again_for_form(parts: &mut Parts) -> Turned {
    parts.method = Method::GET;
    ask_again(parts)
}

impl FromRequestParts<Portal> for Recent {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.is_recent(portal) { Ok(Self(signed_in)) } else { Err(ask_again(parts)) }
    }
}

impl FromRequestParts<Portal> for RecentMember {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let member = Member::from_request_parts(parts, portal).await?;
        if member.signed_in.is_recent(portal) { Ok(Self(member)) } else { Err(ask_again_for_form(parts)) }
    }
}

impl FromRequestParts<Portal> for RecentAdmin {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let Admin(member) = Admin::from_request_parts(parts, portal).await?;
        if member.signed_in.is_recent(portal) { Ok(Self(member)) } else { Err(ask_again_for_form(parts)) }
    }
}

impl FromRequestParts<Portal> for RecentOperator {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        let InstanceOperator(signed_in) = InstanceOperator::from_request_parts(parts, portal).await?;
        if signed_in.is_recent(portal) { Ok(Self(signed_in)) } else { Err(ask_again_for_form(parts)) }
    }
}
