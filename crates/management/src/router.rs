//! The table of contents: every path of the management API.

use std::sync::Arc;

use axum::Router;
use control::Control;

use crate::config::ManagementConfig;
use crate::context::Context;
use crate::document::{Api, document};
use crate::layers;
use crate::rate::Rates;
use crate::reference::{self, Reference};
use crate::routes;

/// The management API, to be mounted at the root. Expects the client's address as
/// `axum::extract::ConnectInfo<SocketAddr>` among the request's extensions.
pub fn router(control: Arc<Control>, config: ManagementConfig) -> Router {
    let (router, operations) = routes::operations(Api::new()).into_parts();
    let document = document(&operations, &config.url);
    let context = Context {
        control,
        rates: Arc::new(Rates::new(config.limits)),
        reference: Arc::new(Reference::new(&operations, &document, &config.url)),
        rng: config.rng,
        portal_url: config.portal_url.into(),
        from: None,
    };
    reference::routes(router)
        .fallback(layers::unknown_path)
        .method_not_allowed_fallback(layers::unknown_method)
        .layer(axum::middleware::from_fn_with_state(context.clone(), layers::finish))
        .with_state(context)
}
