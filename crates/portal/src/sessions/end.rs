//! Ending one session: the reason travels to its client.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use control::EndSessionError;
use domain::SessionId;
use domain::limits::NAME_CHARACTERS_MAX;
use domain::link::{SessionFilter, SessionInfo};
use serde::Deserialize;

use super::rows::SessionRow;
use crate::web::notice::Notice;
use crate::web::page::show_form;
use crate::web::redirect::see_other_with;
use crate::web::{Member, Page, Portal, Posted, Problem};

/// What the client is told where whoever ends a session gives no reason.
const UNTOLD: &str = "The owner of this API ended the session.";

/// The form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ending {
    #[serde(default)]
    pub(crate) reason: String,
}

impl Ending {
    /// What the client is told, if it can be told.
    pub(crate) fn told(&self) -> Result<&str, String> {
        let reason = self.reason.trim();
        if reason.is_empty() {
            return Ok(UNTOLD);
        }
        if reason.chars().count() > NAME_CHARACTERS_MAX || reason.chars().any(char::is_control) {
            return Err(format!("A reason has at most {NAME_CHARACTERS_MAX} characters, in one line."));
        }
        Ok(reason)
    }
}

#[derive(Template)]
#[template(path = "sessions/end.html")]
struct View<'a> {
    page: &'a Page,
    session: SessionRow,
    reason: &'a str,
    reason_max: usize,
    error: Option<String>,
}

/// Asks for the reason.
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
    let session = find(portal, member, id).await?;
    let names = portal.control.key_names(member.workspace.id, &[session.api_key_id]).await?;
    let page = Page::for_member(member, "End this session?");
    let name = names.get(&session.api_key_id).map(String::as_str);
    let view = View {
        session: SessionRow::of(&page, &session, name),
        reason,
        reason_max: NAME_CHARACTERS_MAX,
        error,
        page: &page,
    };
    show_form(&page, &view, view.error.is_some())
}

/// An open session of the member's workspace. Another's, or one that is over, looks like none.
async fn find(portal: &Portal, member: &Member, id: &str) -> Result<SessionInfo, Problem> {
    let id = SessionId::parse(id).ok_or_else(Problem::not_found)?;
    let filter = SessionFilter { session_id: Some(id), ..SessionFilter::default() };
    let open = portal.control.gateways().list_sessions(member.workspace.id, filter).await;
    let found = open.sessions.into_iter().find(|session| session.session_id == id);
    found.ok_or_else(Problem::not_found)
}

/// Ends it.
pub(crate) async fn post(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Posted(ending): Posted<Ending>,
) -> Result<Response, Problem> {
    let reason = match ending.told() {
        Ok(reason) => reason,
        Err(error) => return ask(&portal, &member, &id, &ending.reason, Some(error)).await,
    };
    let id = SessionId::parse(&id).ok_or_else(Problem::not_found)?;
    match portal.control.end_session(&member.actor(), member.workspace.id, id, reason).await {
        Ok(_) => Ok(see_other_with("/sessions", Notice::SessionEnded)),
        Err(EndSessionError::NotFound) => Err(Problem::not_found()),
        Err(EndSessionError::Store(error)) => Err(error.into()),
    }
}
