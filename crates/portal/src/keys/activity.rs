//! What a key did since a moment: usage, open sessions, and what the log says.

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use control::{AuditEvent, KeyActivity};
use domain::link::SessionFilter;
use domain::usage::{UsageCounts, UsageKey};
use serde::Deserialize;

use super::key_of;
use super::words::{KeyRow, duration};
use crate::sessions::rows::SessionRow;
use crate::web::page::show;
use crate::web::time::ShownTime;
use crate::web::{Member, Page, Portal, Problem};

/// End users that a page shows.
const CLIENT_REFS_SHOWN: usize = 50;
/// Open sessions that a page shows.
const SESSIONS_SHOWN: usize = 50;
/// Days that a page shows, the newest.
const DAYS_SHOWN: usize = 92;

/// The address as it came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    since: String,
}

/// What something came to.
#[derive(Debug, Clone)]
struct CountRow {
    what: String,
    requests: u64,
    sessions: u64,
    audio: String,
    refusals: u64,
}

/// One line of the log.
#[derive(Debug, Clone)]
struct EventRow {
    at: ShownTime,
    action: &'static str,
    actor: String,
    from: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "keys/activity.html")]
struct View<'a> {
    page: &'a Page,
    key: KeyRow,
    since: String,
    since_shown: ShownTime,
    first_day: String,
    is_wrong: bool,
    total: CountRow,
    days: Vec<CountRow>,
    older_days: usize,
    places: Vec<CountRow>,
    client_refs: Option<Vec<CountRow>>,
    more_client_refs: usize,
    sessions: Vec<SessionRow>,
    more_sessions: usize,
    events: Vec<EventRow>,
    contact: Option<&'a str>,
}

/// Shows it.
pub(crate) async fn get(
    State(portal): State<Portal>,
    member: Member,
    Path(id): Path<String>,
    Query(address): Query<Address>,
) -> Result<Response, Problem> {
    let listed = key_of(&portal, &member, &id).await?;
    let page = Page::for_member(&member, "What this key did");
    let asked = page.read_time(address.since.trim());
    let since = asked.unwrap_or(listed.key.created_at);
    let (workspace_id, id) = (member.workspace.id, listed.key.id);
    let activity = portal.control.key_activity(workspace_id, id, since).await?;
    let activity = activity.ok_or_else(Problem::not_found)?;
    let filter = SessionFilter { api_key_id: Some(id), ..SessionFilter::default() };
    let open = portal.control.gateways().list_sessions(workspace_id, filter).await.sessions;
    let view = View {
        key: KeyRow::of(&page, &listed),
        since: page.field_time(&since),
        since_shown: page.time(&since),
        first_day: activity.since.to_string(),
        is_wrong: asked.is_none() && !address.since.trim().is_empty(),
        total: row("All together".to_owned(), activity.total),
        days: days(&activity),
        older_days: activity.by_day.len().saturating_sub(DAYS_SHOWN),
        places: activity.by_place.iter().map(|(key, counts)| row(place(key), *counts)).collect(),
        more_client_refs: activity
            .by_client_ref
            .as_ref()
            .map_or(0, |rows| rows.len().saturating_sub(CLIENT_REFS_SHOWN)),
        client_refs: activity.by_client_ref.as_ref().map(|rows| client_refs(rows)),
        sessions: open
            .iter()
            .take(SESSIONS_SHOWN)
            .map(|session| SessionRow::of(&page, session, None))
            .collect(),
        more_sessions: open.len().saturating_sub(SESSIONS_SHOWN),
        events: activity.events.iter().map(|event| event_row(&page, event)).collect(),
        contact: portal.config.support_contact.as_deref(),
        page: &page,
    };
    show(&page, &view)
}

fn row(what: String, counts: UsageCounts) -> CountRow {
    CountRow {
        what,
        requests: counts.requests,
        sessions: counts.sessions,
        audio: duration(Duration::from_millis(counts.audio_millis)),
        refusals: counts.refusals,
    }
}

fn days(activity: &KeyActivity) -> Vec<CountRow> {
    let day = |key: &UsageKey| key.day.map(|day| day.to_string()).unwrap_or_default();
    let newest_first = activity.by_day.iter().rev().take(DAYS_SHOWN);
    newest_first.map(|(key, counts)| row(day(key), *counts)).collect()
}

fn place(key: &UsageKey) -> String {
    let region = key.region.map(|region| region.as_str()).unwrap_or_default();
    let mode = key.mode.map(|mode| mode.as_str()).unwrap_or_default();
    format!("{region}, {mode}")
}

fn client_refs(rows: &[(UsageKey, UsageCounts)]) -> Vec<CountRow> {
    let name = |key: &UsageKey| match &key.client_ref {
        Some(Some(client_ref)) => client_ref.to_string(),
        Some(None) | None => "nobody in particular".to_owned(),
    };
    rows.iter().take(CLIENT_REFS_SHOWN).map(|(key, counts)| row(name(key), *counts)).collect()
}

fn event_row(page: &Page, event: &AuditEvent) -> EventRow {
    EventRow {
        at: page.time(&event.at),
        action: event.action.as_str(),
        actor: event.actor_name.clone().unwrap_or_else(|| event.actor.clone()),
        from: event.from.map(|address| address.to_string()).unwrap_or_default(),
        detail: event.detail.clone(),
    }
}
