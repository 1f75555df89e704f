//! `voxgate quotas`.

use clap::{Args, Subcommand};
use domain::{ApiKeyId, ClientRef, ProjectId, QuotaScope};

use super::args::{WorkspaceArgs, parse_client_ref, parse_project};
use super::keys::parse_key;
use super::{Failure, instance, output};
use crate::operator::QuotaCall;

const COLUMNS: [&str; 5] =
    ["project_id", "scope", "name", "audio_seconds_per_month_max", "audio_seconds_used"];

#[derive(Debug, Subcommand)]
#[command(after_help = "\
A month is a month of UTC. The quota of a whole workspace is among its limits: voxgate workspaces change --help.

Examples:
  voxgate quotas list --config voxgate.toml
  voxgate quotas set --project 1 --audio-seconds 360000 --config voxgate.toml
  voxgate quotas remove --client-ref USER123 --config voxgate.toml")]
pub(super) enum QuotasCommand {
    /// Show how much audio may be used in this month, and what is used
    #[command(after_help = "\
Examples:
  voxgate quotas list --config voxgate.toml
  voxgate quotas list --json --server https://mp.example.org")]
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Set a quota on the audio of a project, an API key or end users
    #[command(after_help = "\
Examples:
  voxgate quotas set --project 1 --audio-seconds 360000 --config voxgate.toml
  voxgate quotas set --each-client-ref --audio-seconds 3600 --config voxgate.toml
  voxgate quotas set --client-ref USER123 --audio-seconds 7200 --config voxgate.toml")]
    Set {
        /// Audio in a UTC month, batch and realtime together: 3600 is an hour
        #[arg(long, value_name = "SECONDS")]
        audio_seconds: u32,
        #[command(flatten)]
        scope: ScopeArgs,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Take a quota away
    #[command(after_help = "\
Examples:
  voxgate quotas remove --project 1 --config voxgate.toml
  voxgate quotas remove --client-ref USER123 --config voxgate.toml")]
    Remove {
        #[command(flatten)]
        scope: ScopeArgs,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    /// The project; the default one if left out
    #[arg(long, value_name = "ID", value_parser = parse_project)]
    project: Option<ProjectId>,
    /// Only this API key of it, with what it minted
    #[arg(long, value_name = "KEY", value_parser = parse_key, conflicts_with_all = ["client_ref", "each_client_ref"])]
    key: Option<ApiKeyId>,
    /// Only this end user of it
    #[arg(long, value_name = "REF", value_parser = parse_client_ref, conflicts_with = "each_client_ref")]
    client_ref: Option<ClientRef>,
    /// Each end user of it who has no quota of their own
    #[arg(long)]
    each_client_ref: bool,
}

impl ScopeArgs {
    fn scope(self) -> (Option<ProjectId>, QuotaScope) {
        let scope = match (self.key, self.client_ref, self.each_client_ref) {
            (Some(id), ..) => QuotaScope::ApiKey(id),
            (None, Some(client_ref), _) => QuotaScope::ClientRef(client_ref),
            (None, None, true) => QuotaScope::EachClientRef,
            (None, None, false) => QuotaScope::Project,
        };
        (self.project, scope)
    }
}

pub(super) async fn run(command: QuotasCommand) -> Result<(), Failure> {
    let (scope, audio_seconds_max, place) = match command {
        QuotasCommand::List { place } => return list(&place).await,
        QuotasCommand::Set { audio_seconds, scope, place } => (scope, Some(audio_seconds), place),
        QuotasCommand::Remove { scope, place } => (scope, None, place),
    };
    let (project, scope) = scope.scope();
    let call = QuotaCall::Set { workspace: place.workspace, project, scope, audio_seconds_max };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    let done = if audio_seconds_max.is_some() { "set" } else { "took away" };
    output::say_ended(&format!("{done} the quota"), &answer);
    Ok(())
}

async fn list(place: &WorkspaceArgs) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, QuotaCall::List { workspace: place.workspace }).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say_fields(&answer, &["month", "audio_seconds_per_month_max", "audio_seconds_used"]);
    output::say_table(&answer["quotas"], &COLUMNS);
    Ok(())
}
