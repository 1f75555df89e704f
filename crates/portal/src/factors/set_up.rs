//! `/settings/security/set-up`: the one page of those of whom a second factor is demanded, and who have none yet.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::PATH;
use super::certain::SettingUp;
use crate::web::page::{self, Page};
use crate::web::redirect::see_other;
use crate::web::{Portal, Problem};

#[derive(Template)]
#[template(path = "factors/set_up.html")]
struct View<'a> {
    page: &'a Page,
    can_have_passkeys: bool,
}

/// `GET /settings/security/set-up`.
pub(super) async fn get(State(portal): State<Portal>, who: SettingUp) -> Result<Response, Problem> {
    if !who.is_demanded {
        return Ok(see_other(PATH));
    }
    let page = who.page("Set up a second factor");
    page::show(&page, &View { page: &page, can_have_passkeys: portal.passkeys.is_some() })
}
