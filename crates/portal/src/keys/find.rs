//! "I have found a key: whose is it?" The secret is sent in a form, never in an address.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::web::page::show_form;
use crate::web::redirect::see_other;
use crate::web::{Member, Page, Portal, Posted, Problem};

/// The form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    secret: String,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Found")
    }
}

#[derive(Template)]
#[template(path = "keys/find.html")]
struct View<'a> {
    page: &'a Page,
    error: Option<&'static str>,
    contact: Option<&'a str>,
}

/// Asks for it.
pub(crate) async fn get(State(portal): State<Portal>, member: Member) -> Result<Response, Problem> {
    ask(&portal, &member, None)
}

fn ask(portal: &Portal, member: &Member, error: Option<&'static str>) -> Result<Response, Problem> {
    let page = Page::for_member(member, "Which key is this?");
    let contact = portal.config.support_contact.as_deref();
    show_form(&page, &View { page: &page, error, contact }, error.is_some())
}

/// Leads to the key, if it is one of this workspace.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Posted(found): Posted<Found>,
) -> Result<Response, Problem> {
    match portal.control.find_key_by_secret(member.workspace.id, found.secret.trim()).await? {
        Some(id) => Ok(see_other(&format!("{}/{id}", super::PATH))),
        None => {
            ask(&portal, &member, Some("This is no key of this workspace. Paste it whole, as it was found."))
        }
    }
}
