//! A realtime session in the page, with a temporary key that is made for it.

mod form;
mod page;
mod policy;

use axum::Router;
use axum::routing::{get, post};

use crate::router::{script, style};
use crate::web::Portal;

const PLAYGROUND: &str = include_str!("../../assets/playground.js");
const STYLE: &str = include_str!("../../assets/playground.css");
const SOUND: &str = include_str!("../../assets/sound.js");
const RECORDER: &str = include_str!("../../assets/recorder.js");

/// The room's paths.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/playground", get(page::show).post(page::mint))
        .route("/playground/revoke", post(page::revoke))
        .route("/assets/playground.css", get(async || style(STYLE)))
        .route("/assets/playground.js", get(async || script(PLAYGROUND)))
        .route("/assets/sound.js", get(async || script(SOUND)))
        .route("/assets/recorder.js", get(async || script(RECORDER)))
}
