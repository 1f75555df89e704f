//! A new key: made once however often its form is sent, and shown once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use control::Made;
use domain::FormId;

use super::fields::{self, KeyFields};
use super::{list, words};
use crate::web::notice::Notice;
use crate::web::page::show;
use crate::web::redirect::see_other_with;
use crate::web::{Page, Portal, Posted, Problem, RecentMember};

#[derive(Template)]
#[template(path = "keys/created.html")]
struct View<'a> {
    page: &'a Page,
    secret: &'a str,
    id: String,
    name: &'a str,
    project: String,
    areas: String,
    products: String,
    batch_url: &'a str,
}

/// Makes it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    RecentMember(member): RecentMember,
    Posted(sent): Posted<KeyFields>,
) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Your new key");
    let Some(form) = FormId::parse(&sent.form) else { return Err(Problem::form_expired()) };
    let read = match sent.read(&page) {
        Ok(read) => read,
        Err(errors) => return list::show_again(&portal, &member, &sent, *errors).await,
    };
    let workspace_id = member.workspace.id;
    let projects = portal.control.list_projects(workspace_id).await?;
    let default = projects.iter().find(|project| project.is_default).ok_or_else(Problem::not_found)?;
    let new = read.into_new(default.id);
    let made = match portal.control.create_key_once(&member.actor(), workspace_id, form, new).await {
        Ok(Made::Now(made)) => made,
        Ok(Made::Before(key)) => {
            return Ok(see_other_with(&format!("{}/{}", super::PATH, key.id), Notice::MadeBefore));
        }
        Err(error) => return list::show_again(&portal, &member, &sent, fields::creation(error)?).await,
    };
    let view = View {
        page: &page,
        secret: made.secret.expose(),
        id: made.key.id.to_text(),
        name: &made.key.name,
        project: made.key.project_id.to_string(),
        areas: words::areas(made.key.areas),
        products: words::products(made.key.products),
        batch_url: &portal.config.endpoints.batch_url,
    };
    show(&page, &view)
}
