//! What every route gets.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use control::{Actor, Control};
use http::request::Parts;
use verify::{Manager, Principal};

use crate::rate::Rates;
use crate::reference::Reference;
use crate::request;

/// The use cases, what is shared between calls, and where the call came from. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) control: Arc<Control>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) reference: Arc<Reference>,
    pub(crate) rng: Arc<dyn domain::Rng>,
    pub(crate) portal_url: Arc<str>,
    /// The client's address; none where no call is being answered.
    pub(crate) from: Option<IpAddr>,
}

impl Context {
    /// Whoever calls with this token, for the audit log.
    pub(crate) fn manager(&self, manager: &Manager) -> Actor {
        Actor { from: self.from, ..Actor::management_token(manager.token_id()) }
    }

    /// Whoever calls with this API key, for the audit log.
    pub(crate) fn api_key(&self, key: &Principal) -> Actor {
        Actor { from: self.from, ..Actor::api_key(key.api_key_id()) }
    }
}

impl FromRequestParts<Self> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, context: &Self) -> Result<Self, Infallible> {
        Ok(Self { from: Some(request::peer(&parts.extensions)), ..context.clone() })
    }
}
