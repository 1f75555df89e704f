//! What of the usage is asked for: read from the address, and written into links again.

use domain::usage::{Day, UsageGroup, UsageGroups, UsageQuery};
use domain::{ApiKeyId, ClientRef, ProjectId, Region, Timestamp, WorkspaceId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Days of one page; a file holds more.
pub(crate) const PAGE_DAYS_MAX: i64 = 92;

/// The address as it came; a form sends fields that nobody filled in as empty ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Address {
    /// The first day.
    pub(crate) since: String,
    /// The last day.
    pub(crate) until: String,
    /// What the page tells apart by.
    pub(crate) group: String,
    /// Only this project.
    pub(crate) project: String,
    /// Only this API key.
    pub(crate) key: String,
    /// Only this region.
    pub(crate) region: String,
    /// Only this end user.
    pub(crate) client_ref: String,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The first day.
    pub(crate) since: Day,
    /// The last day.
    pub(crate) until: Day,
    /// What the page tells apart by.
    pub(crate) group: UsageGroup,
    /// Only this project.
    pub(crate) project_id: Option<ProjectId>,
    /// Only this API key.
    pub(crate) api_key_id: Option<ApiKeyId>,
    /// Only this region.
    pub(crate) region: Option<Region>,
    /// Only this end user.
    pub(crate) client_ref: Option<ClientRef>,
}

/// What can't be asked for: a sentence for whoever did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A day that is none, or the first after the last.
    Days(&'static str),
    /// Something else: only a link that was changed by hand has it.
    Link(&'static str),
}

impl Address {
    /// Reads it. Days that are left out are the last 30.
    pub(crate) fn read(&self, now: Timestamp) -> Result<Asked, Wrong> {
        let since = day(&self.since)?;
        let until = day(&self.until)?;
        let days = control::usage_days(since, until, now);
        let (since, until) = days.ok_or(Wrong::Days("The first day must not come after the last one."))?;
        let group = maybe(&self.group, UsageGroup::from_name, "Usage can't be told apart by this.")?;
        let project = |text: &str| text.parse().ok().map(ProjectId::new);
        Ok(Asked {
            since,
            until,
            group: group.unwrap_or(UsageGroup::Day),
            project_id: maybe(&self.project, project, "A project's id is a number.")?,
            api_key_id: maybe(&self.key, ApiKeyId::parse, "This is no id of an API key.")?,
            region: maybe(&self.region, Region::from_name, "There is no such region.")?,
            client_ref: maybe(&self.client_ref, |text| ClientRef::new(text).ok(), "This is no client_ref.")?,
        })
    }
}

fn day(text: &str) -> Result<Option<Day>, Wrong> {
    maybe(text, Day::parse, "").map_err(|_| Wrong::Days("A day is written like 2027-01-31."))
}

fn maybe<T>(
    text: &str,
    read: impl Fn(&str) -> Option<T>,
    sentence: &'static str,
) -> Result<Option<T>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    read(text).map(Some).ok_or(Wrong::Link(sentence))
}

impl Asked {
    /// How many days it is about.
    pub(crate) fn days(&self) -> i64 {
        (self.until.start().as_seconds() - self.since.start().as_seconds()) / 86_400 + 1
    }

    /// The question to the store, told apart by these.
    pub(crate) fn query(&self, workspace_id: WorkspaceId, groups: UsageGroups) -> UsageQuery {
        UsageQuery {
            workspace_id,
            since: self.since,
            until: self.until,
            project_id: self.project_id,
            api_key_id: self.api_key_id,
            client_ref: self.client_ref.clone(),
            region: self.region,
            groups,
        }
    }

    /// The part of a link after `?`.
    pub(crate) fn link(&self) -> String {
        let mut link = format!("since={}&until={}&group={}", self.since, self.until, self.group);
        let narrowing = [
            ("project", self.project_id.map(|id| id.to_string())),
            ("key", self.api_key_id.map(|id| id.to_string())),
            ("region", self.region.map(|region| region.to_string())),
            ("client_ref", self.client_ref.as_ref().map(|text| text.as_str().to_owned())),
        ];
        for (name, value) in narrowing {
            let Some(value) = value else { continue };
            link.push('&');
            link.push_str(name);
            link.push('=');
            link.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        Day::parse("2026-11-26").unwrap().start().plus_seconds(3_600)
    }

    fn address(since: &str, until: &str) -> Address {
        Address { since: since.to_owned(), until: until.to_owned(), ..Address::default() }
    }

    /// An address without anything is the last 30 days by day; what is wrong is said, never guessed.
    #[test]
    fn addresses_are_read_exactly() {
        let asked = Address::default().read(now()).unwrap();
        assert_eq!(asked.link(), "since=2026-10-28&until=2026-11-26&group=day");
        assert_eq!(asked.days(), 30);
        assert_eq!(address("2026-11-26", "2026-11-26").read(now()).unwrap().days(), 1);
        for wrong in
            [address("2026-11-26", "2026-11-25"), address("26.11.2026", ""), address("", "2026-02-30")]
        {
            assert!(matches!(wrong.read(now()), Err(Wrong::Days(_))), "{wrong:?}");
        }
        for wrong in [
            Address { group: "year".to_owned(), ..Address::default() },
            Address { project: "1 or 1".to_owned(), ..Address::default() },
            Address { key: "vgk_x".to_owned(), ..Address::default() },
            Address { region: "mars1".to_owned(), ..Address::default() },
            Address { client_ref: "a\nb".to_owned(), ..Address::default() },
        ] {
            assert!(matches!(wrong.read(now()), Err(Wrong::Link(_))), "{wrong:?}");
        }
    }

    proptest! {
        /// A link leads to what it was made of, whatever an end user is called.
        #[test]
        fn links_lead_back(name in "[^\\p{Cc}]{1,40}", project in 1_i64..9_999, back in 0_i64..9_000) {
            let asked = Asked {
                since: Day::of(now()).plus_days(-back),
                project_id: Some(ProjectId::new(project)),
                client_ref: Some(ClientRef::new(&name).unwrap()),
                region: Some(Region::Eu1),
                ..Address::default().read(now()).unwrap()
            };
            let uri: http::Uri = format!("/usage?{}", asked.link()).parse().unwrap();
            let axum::extract::Query(address) = axum::extract::Query::<Address>::try_from_uri(&uri).unwrap();
            prop_assert_eq!(address.read(now()), Ok(asked));
        }
    }
}
