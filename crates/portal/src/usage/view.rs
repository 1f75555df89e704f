//! What the page shows of the usage, made from rows alone.

use std::collections::BTreeMap;

use domain::usage::{Day, UsageCounts, UsageGroup, UsageKey};
use domain::{ApiKeyId, ProjectId};

use super::ask::Asked;
use super::measure::Measure;
use super::plot::{Item, Plot};

/// Bars of one plot; the rest is one more.
pub(crate) const BARS_MAX: usize = 10;

/// What ids are called.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Projects that aren't deleted.
    pub(crate) projects: BTreeMap<ProjectId, String>,
    /// API keys that are shown.
    pub(crate) keys: BTreeMap<ApiKeyId, String>,
}

impl Names {
    /// What a project is called.
    pub(crate) fn project(&self, id: ProjectId) -> String {
        self.projects.get(&id).cloned().unwrap_or_else(|| format!("project {id} (deleted)"))
    }

    /// What an API key is called.
    pub(crate) fn key(&self, id: ApiKeyId) -> String {
        self.keys.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// The page's content.
#[derive(Debug)]
pub(crate) struct View {
    /// What a row is, for the head of a table.
    pub(crate) by: &'static str,
    /// The sums.
    pub(crate) totals: Vec<Total>,
    /// A plot for each measure that there is something of.
    pub(crate) plots: Vec<Plot>,
}

/// A sum of everything that is shown.
#[derive(Debug)]
pub(crate) struct Total {
    /// Of what.
    pub(crate) name: String,
    /// How much.
    pub(crate) said: String,
}

/// What a row is, for people.
pub(crate) const fn name_of(group: UsageGroup) -> &'static str {
    match group {
        UsageGroup::Day => "Day",
        UsageGroup::Project => "Project",
        UsageGroup::ApiKey => "API key",
        UsageGroup::ClientRef => "client_ref",
        UsageGroup::Region => "Region",
        UsageGroup::Mode => "Mode",
    }
}

/// Makes the page's content of rows that were told apart as asked.
pub(crate) fn view(asked: &Asked, rows: &[(UsageKey, UsageCounts)], names: &Names) -> View {
    let sum = rows.iter().fold(UsageCounts::default(), |sum, (_, counts)| sum.plus(*counts));
    let totals = Measure::ALL.map(|measure| total(measure, sum)).into();
    let items = match asked.group {
        UsageGroup::Day => days(asked, rows),
        _ => rows.iter().map(|(key, counts)| item(asked, key, *counts, names)).collect(),
    };
    let plots = Measure::ALL.into_iter().filter(|measure| measure.counted(sum) > 0);
    let by = name_of(asked.group);
    let by_lower = if asked.group == UsageGroup::ApiKey { "API key".to_owned() } else { by.to_lowercase() };
    let plots = plots.map(|measure| match asked.group {
        UsageGroup::Day => Plot::of(measure, &items, &by_lower, true),
        _ => Plot::of(measure, &largest(measure, &items), &by_lower, false),
    });
    View { by, totals, plots: plots.collect() }
}

fn total(measure: Measure, sum: UsageCounts) -> Total {
    let counted = measure.counted(sum);
    let unit = measure.unit(counted);
    let name = match unit.name {
        Some(name) => format!("{}, {name}", measure.name()),
        None => measure.name().to_owned(),
    };
    Total { name, said: unit.say(counted) }
}

/// Every day that was asked for: on those without a row nothing happened.
fn days(asked: &Asked, rows: &[(UsageKey, UsageCounts)]) -> Vec<Item> {
    let counts: BTreeMap<Option<Day>, UsageCounts> =
        rows.iter().map(|(key, counts)| (key.day, *counts)).collect();
    let days = (0..asked.days()).map(|offset| asked.since.plus_days(offset));
    days.map(|day| {
        let name = day.to_string();
        Item {
            short: name.get(5..).unwrap_or(&name).to_owned(),
            name,
            link: None,
            counts: counts.get(&Some(day)).copied().unwrap_or_default(),
        }
    })
    .collect()
}

fn item(asked: &Asked, key: &UsageKey, counts: UsageCounts, names: &Names) -> Item {
    let mut closer = Asked { group: UsageGroup::Day, ..asked.clone() };
    let name = match (key.project_id, key.api_key_id, &key.client_ref, key.region, key.mode) {
        (Some(id), ..) => {
            closer.project_id = Some(id);
            names.project(id)
        }
        (_, Some(id), ..) => {
            closer.api_key_id = Some(id);
            names.key(id)
        }
        (_, _, Some(client_ref), ..) => {
            closer.client_ref.clone_from(client_ref);
            client_ref.as_ref().map_or_else(|| String::from("no client_ref"), |text| text.as_str().to_owned())
        }
        (_, _, _, Some(region), _) => {
            closer.region = Some(region);
            region.to_string()
        }
        (_, _, _, _, Some(mode)) => mode.to_string(),
        _ => String::new(),
    };
    let is_closer = closer != Asked { group: UsageGroup::Day, ..asked.clone() };
    let link = is_closer.then(|| format!("/usage?{}", closer.link()));
    Item { short: name.clone(), name, link, counts }
}

/// The items with most of a measure, and one for all others; those with nothing are left out.
fn largest(measure: Measure, items: &[Item]) -> Vec<Item> {
    let mut sorted: Vec<&Item> = items.iter().filter(|item| measure.counted(item.counts) > 0).collect();
    sorted.sort_by_key(|item| std::cmp::Reverse(measure.counted(item.counts)));
    let (shown, others) = sorted.split_at(sorted.len().min(BARS_MAX));
    let mut shown: Vec<Item> = shown.iter().map(|item| (*item).clone()).collect();
    if !others.is_empty() {
        let counts = others.iter().fold(UsageCounts::default(), |sum, item| sum.plus(item.counts));
        let name = format!("{} others", others.len());
        shown.push(Item { short: name.clone(), name, link: None, counts });
    }
    shown
}
