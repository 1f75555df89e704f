//! Live sessions: which are open now, and ending them. Complete by reload; a script refreshes the list by itself.

mod address;
mod end;
mod end_all;
mod list;
pub(crate) mod rows;

use axum::Router;
use axum::routing::get;

use crate::router::script;
use crate::web::Portal;

const SCRIPT: &str = include_str!("../../assets/sessions.js");

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/sessions", get(list::page))
        .route("/sessions/list", get(list::fragment))
        .route("/sessions/{id}/end", get(end::get).post(end::post))
        .route("/sessions/of-key/{id}/end", get(end_all::get).post(end_all::post))
        .route("/assets/sessions.js", get(async || script(SCRIPT)))
}
