//! Settings > API Keys: made, found, changed, rotated, revoked, and ended when they have leaked.
//!
//! Members and admins alike manage the keys of their workspace: the one who notices a leak must not have to look for an
//! admin first.

mod activity;
mod change;
mod create;
mod fields;
mod find;
mod leaked;
mod list;
mod revoke;
mod rotate;
pub(crate) mod words;

use axum::Router;
use axum::routing::get;
use control::ListedKey;
use domain::ApiKeyId;
use domain::link::SessionFilter;

pub(crate) use revoke::Confirmed;

use crate::web::{Member, Portal, Problem};

/// Where the list is.
pub(crate) const PATH: &str = "/settings/api-keys";

/// The paths of this room.
pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route(PATH, get(list::get).post(create::post))
        .route("/settings/api-keys/find", get(find::get).post(find::post))
        .route("/settings/api-keys/{id}", get(change::get).post(change::post))
        .route("/settings/api-keys/{id}/revoke", get(revoke::get).post(revoke::post))
        .route("/settings/api-keys/{id}/rotate", get(rotate::get).post(rotate::post))
        .route("/settings/api-keys/{id}/leaked", get(leaked::get).post(leaked::post))
        .route("/settings/api-keys/{id}/activity", get(activity::get))
}

/// A key of the member's workspace. Another's looks like none.
pub(crate) async fn key_of(portal: &Portal, member: &Member, id: &str) -> Result<ListedKey, Problem> {
    let id = ApiKeyId::parse(id).ok_or_else(Problem::not_found)?;
    portal.control.show_key(member.workspace.id, id).await?.ok_or_else(Problem::not_found)
}

/// How many sessions of a key are open, and whether every gateway has answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenCount {
    pub(crate) sessions: usize,
    pub(crate) is_complete: bool,
}

pub(crate) async fn count_open(portal: &Portal, member: &Member, id: ApiKeyId) -> OpenCount {
    let filter = SessionFilter { api_key_id: Some(id), ..SessionFilter::default() };
    let open = portal.control.gateways().list_sessions(member.workspace.id, filter).await;
    OpenCount { sessions: open.sessions.len(), is_complete: open.pending.is_empty() }
}

impl OpenCount {
    /// What ends with the key, as a sentence.
    pub(crate) fn sentence(self) -> String {
        let count = match self.sessions {
            0 => "No session of it is open now".to_owned(),
            1 => "1 live session ends at once".to_owned(),
            many => format!("{many} live sessions end at once"),
        };
        if self.is_complete {
            return format!("{count}.");
        }
        format!("{count}. Some gateways didn't answer: there may be more, and they end as well.")
    }
}
