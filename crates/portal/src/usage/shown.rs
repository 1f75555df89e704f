//! The page around the plots: what is shown, and the ways to something else.

use askama::Template;
use domain::Timestamp;
use domain::usage::{Day, UsageGroup};

use super::ask::Asked;
use super::plot::Drawing;
use super::view::{self, Names, View};
use crate::web::Page;

/// The page.
#[derive(Template)]
#[template(path = "usage/page.html")]
pub(super) struct Shown<'a> {
    page: &'a Page,
    /// What the form holds: what was sent, or the days that were taken in its place.
    since: String,
    until: String,
    error: Option<&'static str>,
    groups: Vec<Choice>,
    periods: Vec<Period>,
    narrowed: Vec<Narrowed>,
    view: Option<View>,
    file: String,
}

/// One thing that usage can be told apart by.
struct Choice {
    value: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// A period to go to with one click.
struct Period {
    name: &'static str,
    link: String,
    is_shown: bool,
}

/// What the page was narrowed to, and the way back.
struct Narrowed {
    what: &'static str,
    name: String,
    /// The field of the form that keeps it.
    field: &'static str,
    value: String,
    without: String,
}

impl<'a> Shown<'a> {
    /// The page of what was asked for, or of why it can't be shown.
    pub(super) fn of(
        page: &'a Page,
        asked: &Asked,
        names: &Names,
        view: Result<View, &'static str>,
        now: Timestamp,
    ) -> Self {
        let error = view.as_ref().err().copied();
        Self {
            page,
            since: asked.since.to_string(),
            until: asked.until.to_string(),
            error,
            groups: groups(asked.group),
            periods: periods(asked, now),
            narrowed: narrowed(asked, names),
            file: format!("/usage.csv?{}", asked.link()),
            view: view.ok(),
        }
    }

    /// The same with the days as they were typed.
    pub(super) fn with_days(self, since: &str, until: &str) -> Self {
        Self { since: since.to_owned(), until: until.to_owned(), ..self }
    }
}

fn groups(chosen: UsageGroup) -> Vec<Choice> {
    let choice = |group: UsageGroup| Choice {
        value: group.as_str(),
        name: view::by(group).head,
        is_chosen: group == chosen,
    };
    UsageGroup::ALL.iter().copied().map(choice).collect()
}

fn periods(asked: &Asked, now: Timestamp) -> Vec<Period> {
    let today = Day::of(now);
    let month = first_of_month(today);
    let last_month = first_of_month(month.plus_days(-1));
    [
        ("7 days", today.plus_days(-6), today),
        ("30 days", today.plus_days(-29), today),
        ("90 days", today.plus_days(-89), today),
        ("This month", month, today),
        ("Last month", last_month, month.plus_days(-1)),
    ]
    .map(|(name, since, until)| Period {
        name,
        link: format!("/usage?{}", Asked { since, until, ..asked.clone() }.link()),
        is_shown: (since, until) == (asked.since, asked.until),
    })
    .into()
}

fn first_of_month(day: Day) -> Day {
    let text = day.to_string();
    let first = text.get(..8).and_then(|month| Day::parse(&format!("{month}01")));
    first.unwrap_or(day)
}

fn narrowed(asked: &Asked, names: &Names) -> Vec<Narrowed> {
    let whole = asked.clone();
    let mut found = Vec::new();
    let mut add = |what, name: String, field, value: String, without: Asked| {
        found.push(Narrowed { what, name, field, value, without: format!("/usage?{}", without.link()) });
    };
    if let Some(id) = asked.project_id {
        add(
            "Project",
            names.project(id),
            "project",
            id.to_string(),
            Asked { project_id: None, ..whole.clone() },
        );
    }
    if let Some(id) = asked.api_key_id {
        add("API key", names.key(id), "key", id.to_string(), Asked { api_key_id: None, ..whole.clone() });
    }
    if let Some(region) = asked.region {
        add(
            "Region",
            region.to_string(),
            "region",
            region.to_string(),
            Asked { region: None, ..whole.clone() },
        );
    }
    if let Some(text) = &asked.client_ref {
        let text = text.as_str().to_owned();
        add("client_ref", text.clone(), "client_ref", text, Asked { client_ref: None, ..whole });
    }
    found
}
