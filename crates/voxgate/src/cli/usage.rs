//! `voxgate usage`.

use clap::Args;
use domain::usage::{Day, UsageGroup};

use super::args::WorkspaceArgs;
use super::sessions::FilterArgs;
use super::{Failure, instance, output};
use crate::operator::UsageCall;

/// What the counters are called, after what they are told apart by.
const COUNTERS: [&str; 5] = ["audio_seconds", "sessions", "requests", "refusals", "received_bytes"];

#[derive(Debug, Args)]
#[command(after_help = "\
Days are UTC days. What gateways accepted is here within a second or so.

Examples:
  voxgate usage --config voxgate.toml
  voxgate usage --since 2026-11-01 --until 2026-11-30 --by day,mode --config voxgate.toml
  voxgate usage --by client_ref --project 1 --json --server https://mp.example.org")]
pub(super) struct UsageArgs {
    /// The first day, as in 2026-11-01; 29 days before the last if left out
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    since: Option<Day>,
    /// The last day; today if left out
    #[arg(long, value_name = "DAY", value_parser = parse_day)]
    until: Option<Day>,
    /// What it is told apart by: day, project, api_key, client_ref, region, mode; one sum if left out
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    by: Vec<UsageGroup>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    place: WorkspaceArgs,
}

pub(super) async fn run(arguments: UsageArgs) -> Result<(), Failure> {
    let UsageArgs { since, until, by, filter, place } = arguments;
    let mut columns: Vec<&str> =
        UsageGroup::ALL.iter().filter(|group| by.contains(group)).map(|group| column(*group)).collect();
    columns.extend(COUNTERS);
    let call = UsageCall {
        workspace: place.workspace,
        since: since.map(Day::start),
        until: until.map(Day::start),
        groups: by,
        filter: filter.filter(),
    };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say(&format!("{} to {}", output::cell(&answer["since"]), output::cell(&answer["until"])));
    output::say_table(&answer["usage"], &columns);
    Ok(())
}

/// The field that tells usage apart.
const fn column(group: UsageGroup) -> &'static str {
    match group {
        UsageGroup::Day => "day",
        UsageGroup::Project => "project_id",
        UsageGroup::ApiKey => "apikey_id",
        UsageGroup::ClientRef => "client_ref",
        UsageGroup::Region => "region",
        UsageGroup::Mode => "mode",
    }
}

fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "expected a day as in 2026-11-01".to_owned())
}
