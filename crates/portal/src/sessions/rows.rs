//! What lists say of sessions.

use domain::link::SessionInfo;

use crate::keys::words::duration;
use crate::web::Page;
use crate::web::time::ShownTime;

/// One session in a list.
#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) key_id: String,
    /// The name of its key; its id where that has none any more.
    pub(crate) key: String,
    pub(crate) project: String,
    pub(crate) client_ref: String,
    pub(crate) region: &'static str,
    pub(crate) started: ShownTime,
    pub(crate) audio: String,
    pub(crate) peer: String,
}

impl SessionRow {
    pub(crate) fn of(page: &Page, session: &SessionInfo, key_name: Option<&str>) -> Self {
        let key_id = session.api_key_id.to_text();
        Self {
            id: session.session_id.to_text(),
            key: key_name.map_or_else(|| key_id.clone(), str::to_owned),
            key_id,
            project: session.project_id.to_string(),
            client_ref: session.client_ref.as_ref().map(ToString::to_string).unwrap_or_default(),
            region: session.region.as_str(),
            started: page.time(&session.started_at),
            audio: duration(
                std::time::Duration::try_from_secs_f64(session.audio_seconds).unwrap_or_default(),
            ),
            peer: session.peer.to_string(),
        }
    }
}
