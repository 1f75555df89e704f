//! The table of contents: every path of the management API.

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get};
use control::Control;

use crate::config::ManagementConfig;
use crate::context::Context;
use crate::layers::{self, Ids};
use crate::routes::{api_key, api_keys, jwks, project, projects};

/// The management API, to be mounted at the root. Expects the client's address as
/// `axum::extract::ConnectInfo<SocketAddr>` among the request's extensions.
pub fn router(control: Arc<Control>, config: ManagementConfig) -> Router {
    let ids = Ids { control: Arc::clone(&control), rng: config.rng };
    let mut router = Router::new().route("/.well-known/jwks.json", get(jwks::get));
    // Client libraries say `api_keys`, the published reference `api-keys`.
    for spelling in ["/v1/api_keys", "/v1/api-keys"] {
        router = both(router, spelling, || get(api_keys::get).post(api_keys::post));
        router =
            both(router, &format!("{spelling}/{{apikey_id}}"), || axum::routing::delete(api_key::delete));
    }
    router = both(router, "/v1/projects", || get(projects::get).post(projects::post));
    router = both(router, "/v1/projects/{project_id}", || {
        get(project::get).put(project::put).delete(project::delete)
    });
    router
        .fallback(layers::unknown_path)
        .method_not_allowed_fallback(layers::unknown_method)
        .layer(axum::middleware::from_fn_with_state(ids, layers::finish))
        .with_state(Context { control })
}

/// A path with and without a slash at its end, never by redirect: a redirected POST loses its body.
fn both(router: Router<Context>, path: &str, methods: impl Fn() -> MethodRouter<Context>) -> Router<Context> {
    router.route(path, methods()).route(&format!("{path}/"), methods())
}
