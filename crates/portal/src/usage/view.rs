//! What the page shows of the usage, made from rows alone.

use std::collections::BTreeMap;

use control::Refusals;
use domain::usage::{Day, UsageCounts, UsageGroup, UsageKey};
use domain::{ApiKeyId, ProjectId};

use super::ask::Asked;
use super::measure::Measure;
use super::plot::{By, Item, Plot};

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

/// What rows are, for people.
pub(crate) const fn by(group: UsageGroup) -> By {
    let (head, said) = match group {
        UsageGroup::Day => ("Day", "day"),
        UsageGroup::Project => ("Project", "project"),
        UsageGroup::ApiKey => ("API key", "API key"),
        UsageGroup::ClientRef => ("client_ref", "client_ref"),
        UsageGroup::Region => ("Region", "region"),
        UsageGroup::Mode => ("Mode", "mode"),
    };
    By { head, said }
}

/// Makes the page's content of rows that were told apart as asked, and of the reasons of all refusals among them.
pub(crate) fn view(
    asked: &Asked,
    rows: &[(UsageKey, UsageCounts)],
    refusals: &Refusals,
    names: &Names,
) -> View {
    let sum = rows.iter().fold(UsageCounts::default(), |sum, (_, counts)| sum.plus(*counts));
    let totals = Measure::ALL.map(|measure| total(measure, sum)).into();
    let items = match asked.group {
        UsageGroup::Day => days(asked, rows),
        _ => rows.iter().map(|(key, counts)| item(asked, key, *counts, names)).collect(),
    };
    let plots = Measure::ALL.into_iter().filter(|measure| measure.counted(sum) > 0);
    let by = by(asked.group);
    let plots = plots.map(|measure| match asked.group {
        UsageGroup::Day => Plot::of(measure, &items, by, true),
        _ => Plot::of(measure, &largest(measure, &items), by, false),
    });
    let plots = plots.chain(reasons(refusals));
    View { totals, plots: plots.collect() }
}

/// Why something was refused, and how often.
fn reasons(refusals: &Refusals) -> Option<Plot> {
    let item = |(reason, count): (&domain::Reason, &u64)| Item {
        name: reason.to_string(),
        short: reason.to_string(),
        link: None,
        counts: UsageCounts { refusals: *count, ..UsageCounts::default() },
    };
    let items: Vec<Item> = refusals.iter().map(item).collect();
    let items = largest(Measure::Refusals, &items);
    let by = By { head: "Reason", said: "reason" };
    let plot = Plot { id: "reasons", ..Plot::of(Measure::Refusals, &items, by, false) };
    (!items.is_empty()).then_some(plot)
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
