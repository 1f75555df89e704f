//! The room of workspaces: settings, projects, members, invitations, the plan.

mod accept;
mod invitations;
pub(crate) mod list;
mod mails;
mod member;
mod members;
mod own;
mod plan;
pub(crate) mod project;
mod projects;
mod settings;
mod workspace_page;

use axum::Router;
use axum::routing::{get, post};

use crate::web::Portal;

/// The pages of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/settings", get(settings::get))
        .route("/settings/workspace", get(workspace_page::get).post(workspace_page::change))
        .route("/settings/workspace/close", get(workspace_page::ask).post(workspace_page::close))
        .route("/settings/workspaces", get(own::list))
        .route("/workspaces/new", get(own::ask).post(own::create))
        .route("/workspaces/switch", post(own::switch))
        .route("/settings/projects", get(projects::list))
        .route("/settings/projects/new", get(projects::ask).post(projects::create))
        .route("/settings/projects/{id}", get(project::get).post(project::change))
        .route("/settings/projects/{id}/delete", get(project::ask).post(project::delete))
        .route("/settings/members", get(members::list))
        .route("/settings/members/invite", get(invitations::ask).post(invitations::invite))
        .route("/settings/members/invitations", get(members::invitations))
        .route("/settings/members/invitations/{id}/resend", post(invitations::resend))
        .route("/settings/members/invitations/{id}/withdraw", post(invitations::withdraw))
        .route("/settings/members/{id}", get(member::get).post(member::change))
        .route("/settings/members/{id}/remove", post(member::remove))
        .route("/settings/plan", get(plan::get))
        .route("/invitations/accept", get(accept::get).post(accept::accept))
        .route("/invitations/register", post(accept::register))
}

/// What an error says, as a sentence of a page.
pub(crate) fn said(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return text };
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}
