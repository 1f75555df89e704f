//! Who may change how an account signs in: whoever signed in, or confirmed who they are, a moment ago.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::PATH;
use crate::web::redirect::{LocalPath, see_other, with_next};
use crate::web::{Portal, RECENT_MINUTES_MAX, SignedIn};

/// Somebody who did so a moment ago. Others confirm who they are, and come back to the overview.
#[derive(Debug, Clone)]
pub(crate) struct Certain(pub(crate) SignedIn);

impl FromRequestParts<Portal> for Certain {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse as _;
        let signed_in = SignedIn::from_request_parts(parts, portal).await;
        let signed_in = signed_in.map_err(axum::response::IntoResponse::into_response)?;
        let until = signed_in.session.confirmed_at.plus_seconds(RECENT_MINUTES_MAX * 60);
        if portal.control.now() < until {
            return Ok(Self(signed_in));
        }
        let Some(next) = LocalPath::parse(PATH) else { return Err(see_other("/confirm").into_response()) };
        Err(see_other(&with_next("/confirm", &next)))
    }
}
