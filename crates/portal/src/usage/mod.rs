//! What the workspace used: plots with their numbers, and a file for spreadsheets.

mod ask;
mod csv;
mod measure;
mod page;
mod plot;
mod scale;
mod shown;
#[cfg(test)]
mod tests;
mod view;

use axum::Router;
use axum::routing::get;

use crate::web::Portal;

/// The room's paths.
pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/usage", get(page::show)).route("/usage.csv", get(page::file))
}
