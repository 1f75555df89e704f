//! `voxgate keys`.

use clap::{Args, Subcommand};
use domain::limits::ROTATION_OVERLAP_SECONDS_MAX;
use domain::{
    ApiKeyId, Area, AreaSet, ClientRef, Clock as _, Networks, Product, ProductSet, ProjectId, SystemClock,
    Timestamp,
};
use ipnet::IpNet;

use super::args::{WorkspaceArgs, parse_client_ref, parse_project, parse_time};
use super::import::{self, ImportArgs};
use super::{Failure, instance, output};
use crate::operator::{KeyCall, NewExpiry};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate keys create --name ci --data-dir ./try
  voxgate keys create --name app --areas eu,usa --products rt --expires-at 2027-01-31T00:00:00Z --data-dir ./try
  voxgate keys list --json --data-dir ./try
  voxgate keys rotate key_… --overlap 1h --data-dir ./try
  voxgate keys change key_… --areas usa --expires-at never --data-dir ./try
  voxgate keys import keys.csv --dry-run --data-dir ./try
  voxgate keys revoke key_… --data-dir ./try")]
pub(super) enum KeysCommand {
    /// Make an API key; its secret is shown once
    Create(CreateKeyArgs),
    /// List API keys
    List {
        /// Only this project's
        #[arg(long, value_name = "ID", value_parser = parse_project)]
        project: Option<ProjectId>,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Replace an API key by a new one; the old one lives on for a while
    #[command(after_help = "\
Example:
  voxgate keys rotate key_… --overlap 1h --data-dir ./try")]
    Rotate {
        /// The key's id, as voxgate keys list shows it
        #[arg(value_parser = parse_key)]
        id: ApiKeyId,
        /// How long the old one lives on, as in 90s, 30m, 1h or 7d; 0 ends it at once
        #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_overlap)]
        overlap: u32,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Change an API key; what is left out stays
    Change(ChangeKeyArgs),
    /// Take in API keys that were made elsewhere, from a file
    Import(ImportArgs),
    /// Revoke an API key and everything born of it
    Revoke {
        /// The key's id, as voxgate keys list shows it
        #[arg(value_parser = parse_key)]
        id: ApiKeyId,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateKeyArgs {
    /// Its name
    #[arg(long, default_value = "")]
    pub(super) name: String,
    /// The project; the default one if left out
    #[arg(long, value_name = "ID", value_parser = parse_project)]
    pub(super) project: Option<ProjectId>,
    /// The areas that it works in: eu, usa, au; the workspace's home area if left out
    #[arg(long, value_delimiter = ',')]
    pub(super) areas: Vec<Area>,
    /// What it is for: batch, rt, tts, flow; batch and rt if left out
    #[arg(long, value_delimiter = ',')]
    pub(super) products: Vec<Product>,
    /// When it expires, as in 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(super) expires_at: Option<Timestamp>,
    /// The networks that it may be used from, as in 192.0.2.0/24
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) networks: Vec<IpNet>,
    /// Isolates it to one end user
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    pub(super) client_ref: Option<ClientRef>,
    #[command(flatten)]
    pub(super) place: WorkspaceArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  voxgate keys change key_… --areas usa --expires-at never --data-dir ./try")]
pub(super) struct ChangeKeyArgs {
    /// The key's id, as voxgate keys list shows it
    #[arg(value_parser = parse_key)]
    id: ApiKeyId,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// When it expires, as in 2027-01-31T00:00:00Z, or never
    #[arg(long, value_name = "TIME", value_parser = parse_expiry)]
    expires_at: Option<NewExpiry>,
    /// The areas that it works in: eu, usa, au; sessions elsewhere end
    #[arg(long, value_delimiter = ',')]
    areas: Vec<Area>,
    /// What it is for: batch, rt, tts, flow; sessions of others end
    #[arg(long, value_delimiter = ',')]
    products: Vec<Product>,
    /// The networks that it may be used from, as in 192.0.2.0/24
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    networks: Vec<IpNet>,
    /// Let it be used from anywhere
    #[arg(long, conflicts_with = "networks")]
    any_network: bool,
    #[command(flatten)]
    place: WorkspaceArgs,
}

const COLUMNS: [&str; 7] = ["apikey_id", "name", "hint", "state", "project_id", "areas", "products"];

pub(super) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(arguments) => create(arguments).await,
        KeysCommand::List { project, place } => {
            let call = KeyCall::List { workspace: place.workspace, project };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&output::with_states(&answer, SystemClock.now()), &COLUMNS);
            Ok(())
        }
        KeysCommand::Rotate { id, overlap, place } => rotate(id, overlap, &place).await,
        KeysCommand::Change(arguments) => change(arguments).await,
        KeysCommand::Import(arguments) => import::run(arguments).await,
        KeysCommand::Revoke { id, place } => {
            let call = KeyCall::Revoke { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_ended(&format!("revoked {id}, and everything born of it"), &answer);
            Ok(())
        }
    }
}

async fn create(arguments: CreateKeyArgs) -> Result<(), Failure> {
    let CreateKeyArgs { name, project, areas, products, expires_at, networks, client_ref, place } = arguments;
    let call = KeyCall::Create {
        workspace: place.workspace,
        project,
        name,
        areas: (!areas.is_empty()).then(|| AreaSet::from_iter(areas)),
        products: (!products.is_empty()).then(|| ProductSet::from_iter(products)),
        expires_at,
        networks: Networks(networks),
        client_ref,
    };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    // The secret alone goes to standard output, so that a script can take it.
    output::remark(&format!(
        "made {} in project {}; this is its secret, shown this once:",
        output::cell(&answer["apikey_id"]),
        output::cell(&answer["project_id"])
    ));
    output::say(&output::cell(&answer["key_value"]));
    Ok(())
}

async fn rotate(id: ApiKeyId, overlap_seconds: u32, place: &WorkspaceArgs) -> Result<(), Failure> {
    let call = KeyCall::Rotate { workspace: place.workspace, id, overlap_seconds };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    // The secret alone goes to standard output, so that a script can take it.
    output::remark(&format!(
        "made {} in place of {id}, which expires at {}; this is the new secret, shown this once:",
        output::cell(&answer["apikey_id"]),
        output::cell(&answer["old_expires_at"])
    ));
    output::say(&output::cell(&answer["key_value"]));
    Ok(())
}

async fn change(arguments: ChangeKeyArgs) -> Result<(), Failure> {
    let ChangeKeyArgs { id, name, expires_at, areas, products, networks, any_network, place } = arguments;
    let call = KeyCall::Change {
        workspace: place.workspace,
        id,
        name,
        expires_at,
        areas: (!areas.is_empty()).then(|| AreaSet::from_iter(areas)),
        products: (!products.is_empty()).then(|| ProductSet::from_iter(products)),
        networks: (any_network || !networks.is_empty()).then_some(Networks(networks)),
    };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say_table(&output::with_states(&serde_json::json!([answer]), SystemClock.now()), &COLUMNS);
    Ok(())
}

fn parse_expiry(text: &str) -> Result<NewExpiry, String> {
    if text == "never" {
        return Ok(NewExpiry::Never);
    }
    parse_time(text).map(NewExpiry::At).map_err(|error| format!("{error}, or never"))
}

/// A number of seconds, or of what the letter behind it says.
fn parse_overlap(text: &str) -> Result<u32, String> {
    let expected = || {
        format!(
            "expected a time as in 90s, 30m, 1h or 7d, at most {} days",
            ROTATION_OVERLAP_SECONDS_MAX / 86_400
        )
    };
    let (number, seconds) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        None => (text, 1),
        Some(number) => match &text[number.len()..] {
            "m" => (number, 60),
            "h" => (number, 3600),
            "d" => (number, 86_400),
            _ => (number, 1),
        },
    };
    let number: u32 = number.parse().map_err(|_| expected())?;
    let overlap = number.checked_mul(seconds).filter(|overlap| *overlap <= ROTATION_OVERLAP_SECONDS_MAX);
    overlap.ok_or_else(expected)
}

pub(super) fn parse_key(text: &str) -> Result<ApiKeyId, String> {
    ApiKeyId::parse(text).ok_or_else(|| {
        "expected a key's id (key_ and 26 characters), not its secret: voxgate keys list shows it".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Overlaps are read in every unit, up to the limit, and nothing else is one.
    #[test]
    fn overlaps_have_units() {
        for (text, seconds) in
            [("0", 0), ("90", 90), ("90s", 90), ("30m", 1800), ("1h", 3600), ("30d", 2_592_000)]
        {
            assert_eq!(parse_overlap(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "h", "-1", "1.5h", "1w", "31d", "99999999999", "1 h"] {
            assert!(parse_overlap(wrong).is_err(), "{wrong}");
        }
    }
}
