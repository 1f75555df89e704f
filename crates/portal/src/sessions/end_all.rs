//! Ending all sessions of a key. The key itself stays good.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::EndSessionsError;
use domain::limits::NAME_CHARACTERS_MAX;

use super::end::Ending;
use crate::keys::words::KeyRow;
use crate::keys::{OpenCount, count_open, key_of};
use crate::web::notice::Notice;
use crate::web::page::show_form;
use crate::web::redirect::see_other_with;
use crate::web::{Member, Page, Portal, Posted, Problem};

#[derive(Template)]
#[template(path = "sessions/end_all.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    open: OpenCount,
    reason: &'a str,
    reason_max: usize,
    error: Option<String>,
}

/// Asks for the reason, and says how many end.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    ask(&portal, &member, &id, "", None).await
}

async fn ask(
    portal: &Portal,
    member: &Member,
    id: &str,
    reason: &str,
    error: Option<String>,
) -> Result<Response, Problem> {
    let listed = key_of(portal, member, id).await?;
    let page = Page::for_member(member, "End all sessions of this key?");
    let view = View {
        key: KeyRow::of(&page, &listed),
        open: count_open(portal, member, listed.key.id).await,
        reason,
        reason_max: NAME_CHARACTERS_MAX,
        error,
        page: &page,
    };
    show_form(&page, &view, view.error.is_some())
}

/// Ends them.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Posted(ending): Posted<Ending>,
) -> Result<Response, Problem> {
    let key = key_of(&portal, &member, &id).await?.key;
    let reason = match ending.told() {
        Ok(reason) => reason,
        Err(error) => return ask(&portal, &member, &id, &ending.reason, Some(error)).await,
    };
    let (actor, workspace_id) = (member.actor(), member.workspace.id);
    match portal.control.end_sessions_of_key(&actor, workspace_id, key.id, reason).await {
        Ok(0) => Ok(see_other_with("/sessions", Notice::NoSessionOpen)),
        Ok(_) => Ok(see_other_with("/sessions", Notice::SessionsEnded)),
        Err(EndSessionsError::KeyNotFound) => Err(Problem::not_found()),
        Err(EndSessionsError::Store(error)) => Err(error.into()),
    }
}
