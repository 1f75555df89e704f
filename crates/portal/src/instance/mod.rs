//! The room of whoever operates the instance. To everybody else it isn't there.

mod account;
mod accounts;
mod limits;
mod log;
mod mail_test;
mod overview;
mod signing_keys;
mod workspace;
mod workspaces;

use axum::Router;
use axum::routing::{get, post};

use crate::web::Portal;

/// The pages of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/instance", get(overview::get))
        .route("/instance/workspaces", get(workspaces::list))
        .route("/instance/workspaces/{id}", get(workspace::get).post(workspace::change))
        .route("/instance/workspaces/{id}/close", get(workspace::ask).post(workspace::close))
        .route("/instance/accounts", get(accounts::list))
        .route("/instance/accounts/{id}", get(account::get))
        .route("/instance/accounts/{id}/disable", post(account::disable))
        .route("/instance/accounts/{id}/enable", post(account::enable))
        .route("/instance/accounts/{id}/make-operator", post(account::make_operator))
        .route("/instance/accounts/{id}/remove-operator", post(account::remove_operator))
        .route("/instance/accounts/{id}/sign-out", post(account::sign_out))
        .route("/instance/accounts/{id}/send-reset-link", post(account::send_reset_link))
        .route("/instance/signing-keys", get(signing_keys::get).post(signing_keys::rotate))
        .route("/instance/audit-log", get(log::show))
        .route("/instance/audit-log/download", get(log::download))
        .route("/instance/mail", get(mail_test::get).post(mail_test::send))
}
