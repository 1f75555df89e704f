//! The first page: what this is, for visitors; endpoints and programs to copy, for whoever is signed in.

mod page;
mod snippets;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::routing::get;

use crate::web::Portal;

/// The room's paths.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/", get(page::show))
}
