//! The page.

use askama::Template;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use control::{ListKeysError, PageRequest};

use super::snippets::{Snippet, snippets};
use crate::PortalConfig;
use crate::web::page as layout;
use crate::web::{Member, Page, Portal, Problem, Visitor};

/// The page of everybody else.
#[derive(Template)]
#[template(path = "home/visitor.html")]
pub(super) struct ForVisitor<'a> {
    pub(super) page: &'a Page,
    pub(super) config: &'a PortalConfig,
}

/// The page of whoever is signed in.
#[derive(Template)]
#[template(path = "home/member.html")]
pub(super) struct ForMember<'a> {
    pub(super) page: &'a Page,
    pub(super) config: &'a PortalConfig,
    pub(super) workspace: &'a str,
    /// Whether there is a key to call with.
    pub(super) has_keys: bool,
    pub(super) snippets: Vec<Snippet>,
}

/// `GET /`.
pub(crate) async fn show(State(portal): State<Portal>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let visitor = match Visitor::from_request_parts(&mut parts, &portal).await {
        Ok(visitor) => visitor,
        Err(turned) => return Ok(turned.into_response()),
    };
    let config = &portal.config;
    if visitor.recognised().is_none() {
        let page = Page::for_visitor(&visitor, "Welcome");
        return layout::show(&page, &ForVisitor { page: &page, config });
    }
    let member = match Member::from_request_parts(&mut parts, &portal).await {
        Ok(member) => member,
        Err(turned) => return Ok(turned.into_response()),
    };
    let page = Page::for_member(&member, "Home");
    let shown = ForMember {
        page: &page,
        config,
        workspace: &member.workspace.name,
        has_keys: has_keys(&portal, &member).await?,
        snippets: snippets(&config.endpoints),
    };
    layout::show(&page, &shown)
}

async fn has_keys(portal: &Portal, member: &Member) -> Result<bool, Problem> {
    let first = PageRequest { after: None, limit: 1 };
    match portal.control.page_keys(member.workspace.id, None, &first).await {
        Ok(keys) => Ok(!keys.items.is_empty()),
        Err(ListKeysError::Store(error)) => Err(error.into()),
        Err(ListKeysError::ProjectNotFound) => Ok(false),
    }
}
