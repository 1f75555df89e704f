//! `voxgate audit`.

use std::time::Duration;

use clap::{Args, Subcommand};
use control::AuditAction;
use domain::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::args::{WorkspaceArgs, parse_time};
use super::{Failure, instance, output};
use crate::operator::AuditCall;

const COLUMNS: [&str; 6] = ["sequence", "at", "action", "by", "from", "subject"];
/// Events that are asked for at once while following.
const FOLLOW_EVENTS_MAX: u64 = 100;
/// How often new events are asked for.
const FOLLOW_SECONDS: u64 = 1;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate audit list --since 2026-11-25T00:00:00Z --config voxgate.toml
  voxgate audit list --action api_key_revoked --json --config voxgate.toml
  voxgate audit follow --config voxgate.toml")]
pub(super) enum AuditCommand {
    /// List what was done, oldest first
    #[command(after_help = "\
Examples:
  voxgate audit list --config voxgate.toml
  voxgate audit list --after 120 --limit 50 --json --config voxgate.toml")]
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// Only what was done at this time or later, as in 2026-11-25T00:00:00Z
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        since: Option<Timestamp>,
        /// Only what was done before this time
        #[arg(long, value_name = "TIME", value_parser = parse_time)]
        until: Option<Timestamp>,
        /// Only what comes after this number
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: u64,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Show what is done from now on, until it is interrupted; with --json one event a line
    #[command(after_help = "\
Examples:
  voxgate audit follow --config voxgate.toml
  voxgate audit follow --json --server https://mp.example.org")]
    Follow {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only what was done like this, as in api_key_revoked
    #[arg(long)]
    pub(super) action: Option<AuditAction>,
}

pub(super) async fn run(command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::List { filter, since, until, after, limit, place } => {
            let action = filter.action;
            let call = AuditCall { workspace: place.workspace, action, since, until, after, limit };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            let events = answer.as_array().map_or(&[][..], Vec::as_slice);
            output::say_table(&events.iter().map(row).collect(), &COLUMNS);
            if events.len() as u64 == limit
                && let Some(last) = events.last()
            {
                output::remark(&format!("there may be more: --after {}", last["sequence"]));
            }
            Ok(())
        }
        AuditCommand::Follow { filter, place } => follow(&filter, &place).await,
    }
}

/// Asks again and again; ends when it is interrupted, or when the instance can't be asked any more.
async fn follow(filter: &FilterArgs, place: &WorkspaceArgs) -> Result<(), Failure> {
    let way = instance::Way::find(&place.instance)?;
    let since = Some(SystemClock.now());
    let mut after = 0;
    loop {
        let call = AuditCall {
            workspace: place.workspace,
            action: filter.action,
            since,
            until: None,
            after,
            limit: FOLLOW_EVENTS_MAX,
        };
        let answer = way.call(call).await?;
        let events = answer.as_array().map_or(&[][..], Vec::as_slice);
        for event in events {
            after = event["sequence"].as_u64().unwrap_or(after).max(after);
            say_event(event, place.instance.json);
        }
        if (events.len() as u64) < FOLLOW_EVENTS_MAX {
            tokio::time::sleep(Duration::from_secs(FOLLOW_SECONDS)).await;
        }
    }
}

fn say_event(event: &Value, is_json: bool) {
    if is_json {
        output::say(&event.to_string());
        return;
    }
    let row = row(event);
    let cells: Vec<String> = COLUMNS.iter().map(|column| output::shown(column, &row[*column])).collect();
    output::say(&cells.join("  "));
}

/// An event as a row: names where they are known, pseudonyms where they were forgotten.
fn row(event: &Value) -> Value {
    let named = |name: &str, pseudonym: &str| match &event[name] {
        Value::Null => event[pseudonym].clone(),
        known => known.clone(),
    };
    json!({
        "sequence": event["sequence"],
        "at": event["at"],
        "action": event["action"],
        "by": named("actor_name", "actor"),
        "from": event["from"],
        "subject": named("subject_name", "subject"),
    })
}
