//! Accounts as their owners see them: registering, signing in and out, forgotten passwords, and what they change about
//! themselves. Whether an address is known is answered to nobody: not by what a page says, not by how long it takes.

mod change_email;
mod confirm;
mod delete;
mod dev_mail;
mod devices;
mod entry;
mod forgot_password;
mod later;
mod new_email;
mod new_password;
mod profile;
mod refused;
mod register;
mod reset_password;
mod set_up;
mod sign_in;
mod verify_email;

use axum::Router;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::web::Portal;

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/register", get(register::get).post(register::post))
        .route("/verify-email", get(verify_email::get).post(verify_email::post))
        .route("/sign-in", get(sign_in::get).post(sign_in::post))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/forgot-password", get(forgot_password::get).post(forgot_password::post))
        .route("/reset-password", get(reset_password::get).post(reset_password::post))
        .route("/confirm", get(confirm::get).post(confirm::post))
        .route("/set-up", get(set_up::get).post(set_up::post))
        .route("/change-email", get(change_email::get).post(change_email::post))
        .route("/settings/profile", get(profile::get).post(profile::post))
        .route("/settings/profile/email", get(new_email::get).post(new_email::post))
        .route("/settings/profile/password", get(new_password::get).post(new_password::post))
        .route("/settings/devices", get(devices::get).post(devices::sign_out_others))
        .route("/settings/devices/{id}/sign-out", post(devices::sign_out))
        .route("/settings/delete-account", get(delete::get).post(delete::post))
        .route("/dev/mail", get(dev_mail::get))
}

/// The address of a link that was mailed: what it carries.
#[derive(Debug, Deserialize, Default)]
struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// The address of a page that leads on to another one.
#[derive(Debug, Deserialize, Default)]
struct NextQuery {
    #[serde(default)]
    next: String,
}

/// A form without fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}
