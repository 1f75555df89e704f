//! Who may change how an account signs in: whoever signed in, or confirmed who they are, a moment ago.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use control::FactorDemand;
use http::request::Parts;

use super::PATH;
use crate::web::page::Page;
use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::visit::SET_UP_FACTOR_PATH;
use crate::web::{Portal, Problem, Recognised, SignedIn};

/// Somebody who did so a moment ago. Others confirm who they are, and come back to the overview.
#[derive(Debug, Clone)]
pub(crate) struct Certain(pub(crate) SignedIn);

/// Somebody who did so a moment ago and sets up a second factor: also those of whom one is demanded, and who have none yet.
#[derive(Debug, Clone)]
pub(crate) struct SettingUp {
    pub(crate) signed_in: SignedIn,
    /// Whether they may do nothing else before.
    pub(crate) is_demanded: bool,
}

impl SettingUp {
    /// A page for them, without ways to where they aren't let in yet.
    pub(crate) fn page(&self, title: &str) -> Page {
        let page = Page::for_signed_in(&self.signed_in, title);
        if self.is_demanded { page.without_ways() } else { page }
    }

    /// The page that they came from.
    pub(crate) const fn overview_path(&self) -> &'static str {
        if self.is_demanded { SET_UP_FACTOR_PATH } else { PATH }
    }
}

/// Others confirm who they are, and come back to `path`.
fn ask_again(path: &str) -> Response {
    see_other(&with_next("/confirm", LocalPath::parse(path).as_ref()))
}

impl FromRequestParts<Portal> for Certain {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Self::Rejection> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await;
        let signed_in = signed_in.map_err(axum::response::IntoResponse::into_response)?;
        if signed_in.is_recent(portal) { Ok(Self(signed_in)) } else { Err(ask_again(PATH)) }
    }
}

impl FromRequestParts<Portal> for SettingUp {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Self::Rejection> {
        let recognised = Recognised::from_request_parts(parts, portal).await;
        let Recognised(signed_in) = recognised.map_err(axum::response::IntoResponse::into_response)?;
        let demand = portal.control.factor_demand(&signed_in.session).await;
        let is_demanded = match demand.map_err(|error| Problem::from(error).into_response())? {
            FactorDemand::Nothing => false,
            FactorDemand::SetUp => true,
            // Whoever knows the password alone adds no factor beside the one that keeps them out.
            FactorDemand::Show => return Err(ask_again(PATH)),
        };
        let who = Self { signed_in, is_demanded };
        if who.signed_in.is_recent(portal) { Ok(who) } else { Err(ask_again(who.overview_path())) }
    }
}
