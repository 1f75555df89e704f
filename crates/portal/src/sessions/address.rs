//! Which sessions are asked for: read from the address, and written into links again.

use domain::link::{SessionFilter, SessionInfo};
use domain::{ApiKeyId, ClientRef, ProjectId, Region, SessionId, Timestamp};
use serde::Deserialize;

/// The address as it came; a form sends fields that nobody filled in as empty ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    pub(crate) project: String,
    pub(crate) key: String,
    pub(crate) client_ref: String,
    pub(crate) region: String,
    pub(crate) after: String,
}

/// What can't be asked for, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) project: Option<&'static str>,
    pub(crate) key: Option<&'static str>,
    pub(crate) client_ref: Option<&'static str>,
    pub(crate) region: Option<&'static str>,
}

/// A field that may be empty.
fn maybe<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ()> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { parse(text).map(Some).ok_or(()) }
}

impl Address {
    /// Reads it.
    pub(crate) fn filter(&self) -> Result<SessionFilter, Wrong> {
        let project = maybe(&self.project, |text| text.parse().ok().map(ProjectId::new));
        let key = maybe(&self.key, ApiKeyId::parse);
        let client_ref = maybe(&self.client_ref, |text| ClientRef::new(text).ok());
        let region = maybe(&self.region, Region::from_name);
        match (project, key, client_ref, region) {
            (Ok(project_id), Ok(api_key_id), Ok(client_ref), Ok(region)) => {
                Ok(SessionFilter { project_id, api_key_id, client_ref, region, ..SessionFilter::default() })
            }
            (project, key, client_ref, region) => Err(Wrong {
                project: project.is_err().then_some("A project’s id is a number."),
                key: key.is_err().then_some("The id of a key starts with key_."),
                client_ref: client_ref
                    .is_err()
                    .then_some("This is too long for a client_ref, or holds signs that none has."),
                region: region.is_err().then_some("There is no such region."),
            }),
        }
    }

    /// Whether a session stands on this page or a later one, in a list with the newest first.
    pub(crate) fn is_beyond(&self, session: &SessionInfo) -> bool {
        let place = self.after.split_once('.').and_then(|(micros, id)| {
            Some((Timestamp::from_micros(micros.parse().ok()?), SessionId::parse(id)?))
        });
        place.is_none_or(|place| (session.started_at, session.session_id) < place)
    }

    /// The same without a place.
    pub(crate) fn first(&self) -> Self {
        Self { after: String::new(), ..self.clone() }
    }

    /// The page that begins after a session.
    pub(crate) fn after(&self, session: &SessionInfo) -> Self {
        let after = format!("{}.{}", session.started_at.as_micros(), session.session_id);
        Self { after, ..self.clone() }
    }

    /// Whether it leaves anything out.
    pub(crate) fn is_narrowed(&self) -> bool {
        !self.query().is_empty()
    }

    /// The address behind `path`.
    pub(crate) fn link(&self, path: &str) -> String {
        let query = self.query();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    fn query(&self) -> String {
        let pairs = [
            ("project", &self.project),
            ("key", &self.key),
            ("client_ref", &self.client_ref),
            ("region", &self.region),
            ("after", &self.after),
        ];
        let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(filled).finish()
    }
}
