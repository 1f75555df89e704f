//! `/settings`: what can be set, in groups.

use askama::Template;
use axum::response::Response;

use crate::web::page::{self, Page};
use crate::web::{Member, Problem};

#[derive(Template)]
#[template(path = "workspace/settings.html")]
struct Settings<'a> {
    page: &'a Page,
    workspace: &'a str,
    is_admin: bool,
    is_operator: bool,
}

/// `GET /settings`.
pub(super) async fn get(member: Member) -> Result<Response, Problem> {
    let page = Page::for_member(&member, "Settings");
    let template = Settings {
        page: &page,
        workspace: &member.workspace.name,
        is_admin: member.is_admin(),
        is_operator: member.signed_in.account.is_operator,
    };
    page::show(&page, &template)
}
