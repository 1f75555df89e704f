//! Quotas on audio: so many seconds in a UTC month, for a workspace, a project, an API key or an end user.

use serde::{Deserialize, Serialize};

use crate::{ApiKeyId, ClientRef, ProjectId, Timestamp, WorkspaceId};

/// A month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Months since the year 0.
    number: u32,
}

impl Month {
    /// The month in which a moment lies.
    pub fn of(moment: Timestamp) -> Self {
        let text = moment.to_rfc3339();
        let digits = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
        let (year, month) = (digits(0, 4).unwrap_or(0), digits(5, 7).unwrap_or(1));
        Self { number: year * 12 + month.saturating_sub(1) }
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { number: self.number + 1 }
    }

    /// The month before it.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self { number: self.number.saturating_sub(1) }
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        Timestamp::parse_rfc3339(&format!("{self}-01T00:00:00Z")).unwrap_or(Timestamp::from_micros(i64::MAX))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.number / 12, self.number % 12 + 1)
    }
}

/// What of a project a quota is set for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaScope {
    /// All of it.
    Project,
    /// One API key, and what it minted.
    ApiKey(ApiKeyId),
    /// Each end user who has no quota of their own.
    EachClientRef,
    /// One end user.
    ClientRef(ClientRef),
}

impl QuotaScope {
    /// Its kind and what it names, as texts that only it has.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Project => ("project", String::new()),
            Self::ApiKey(id) => ("api_key", id.to_string()),
            Self::EachClientRef => ("each_client_ref", String::new()),
            Self::ClientRef(client_ref) => ("client_ref", client_ref.as_str().to_owned()),
        }
    }

    /// What [`QuotaScope::parts`] has told.
    pub fn from_parts(kind: &str, name: &str) -> Option<Self> {
        match (kind, name) {
            ("project", "") => Some(Self::Project),
            ("api_key", id) => ApiKeyId::parse(id).map(Self::ApiKey),
            ("each_client_ref", "") => Some(Self::EachClientRef),
            ("client_ref", name) => ClientRef::new(name).ok().map(Self::ClientRef),
            _ => None,
        }
    }
}

/// Whose audio is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaSubject {
    /// A workspace's, by its plan or its own limits.
    Workspace(WorkspaceId),
    /// A project's.
    Project(ProjectId),
    /// An API key's, with what it minted.
    ApiKey(ApiKeyId),
    /// An end user's.
    ClientRef(ProjectId, ClientRef),
}

impl std::fmt::Display for QuotaSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Workspace(id) => id.fmt(f),
            Self::Project(id) => write!(f, "project/{id}"),
            Self::ApiKey(id) => id.fmt(f),
            Self::ClientRef(id, client_ref) => write!(f, "project/{id}/client_ref/{client_ref}"),
        }
    }
}

/// How much audio a subject may have in a UTC month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioQuota {
    /// Whose.
    pub subject: QuotaSubject,
    /// So much.
    pub audio_seconds_max: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month begins at its first moment and ends before the next one's, also over a year and in February.
    #[test]
    fn months_are_whole() {
        for (inside, name, start, next) in [
            ("2026-11-26T05:00:00Z", "2026-11", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-12-31T23:59:59Z", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ] {
            let moment = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
            let month = Month::of(moment(inside));
            assert_eq!((month.to_string().as_str(), month.start()), (name, moment(start)));
            assert_eq!(month.next().start(), moment(next));
            assert_eq!(Month::of(moment(next).plus_seconds(-1)), month);
            assert_eq!(Month::of(moment(next)), month.next());
        }
    }

    /// Every scope survives its parts, and nothing else is read.
    #[test]
    fn scopes_survive_their_parts() {
        let user = ClientRef::new("user/1").unwrap();
        for scope in [
            QuotaScope::Project,
            QuotaScope::ApiKey(ApiKeyId::from_u128(7)),
            QuotaScope::EachClientRef,
            QuotaScope::ClientRef(user),
        ] {
            let (kind, name) = scope.parts();
            assert_eq!(QuotaScope::from_parts(kind, &name), Some(scope));
        }
        for (kind, name) in [("project", "x"), ("api_key", "x"), ("client_ref", ""), ("other", "")] {
            assert_eq!(QuotaScope::from_parts(kind, name), None, "{kind}");
        }
    }
}
