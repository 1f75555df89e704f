//! Members who signed in, or confirmed who they are, a moment ago: credentials are made and shown for them alone.

use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;

use crate::web::visit::Turned;
use crate::web::{Member, Portal};

/// A member who did so a moment ago.
#[derive(Debug, Clone)]
pub(crate) struct RecentMember(pub(crate) Member);

impl FromRequestParts<Portal> for RecentMember {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Turned> {
        // Forms are sent to the address of the page that shows them, so that is where to come back to.
        let method = std::mem::replace(&mut parts.method, Method::GET);
        let member = Member::recent(parts, portal).await;
        parts.method = method;
        member.map(Self)
    }
}
