//! `voxgate keys`.

use clap::{Args, Subcommand};
use domain::{ApiKeyId, Area, AreaSet, ClientRef, Networks, Product, ProductSet, ProjectId, Timestamp};
use ipnet::IpNet;

use super::args::{WorkspaceArgs, parse_client_ref, parse_project, parse_time};
use super::{Failure, instance, output};
use crate::operator::KeyCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate keys create --name ci --data-dir ./try
  voxgate keys create --name app --areas eu,usa --products rt --expires-at 2027-01-31T00:00:00Z --data-dir ./try
  voxgate keys list --json --data-dir ./try
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

const COLUMNS: [&str; 9] = [
    "apikey_id",
    "name",
    "hint",
    "project_id",
    "areas",
    "products",
    "expires_at",
    "last_used_at",
    "revoked_at",
];

pub(super) async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(arguments) => create(arguments).await,
        KeysCommand::List { project, place } => {
            let call = KeyCall::List { workspace: place.workspace, project };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
            Ok(())
        }
        KeysCommand::Revoke { id, place } => {
            let call = KeyCall::Revoke { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("revoked {id}, and everything born of it"));
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

fn parse_key(text: &str) -> Result<ApiKeyId, String> {
    ApiKeyId::parse(text).ok_or_else(|| {
        "expected a key's id (key_ and 26 characters), not its secret: voxgate keys list shows it".to_owned()
    })
}
