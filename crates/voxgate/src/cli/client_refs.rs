//! `voxgate client-refs`.

use clap::Subcommand;
use domain::{ClientRef, ProjectId};
use serde_json::Value;

use super::args::{Confirmation, WorkspaceArgs, parse_client_ref, parse_project};
use super::{Failure, instance, output};
use crate::operator::ForgetCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate client-refs forget USER123 --yes --config voxgate.toml")]
pub(super) enum ClientRefsCommand {
    /// Forget an end user: their jobs, their part in the usage, and their name in the audit log and in webhooks' messages
    #[command(after_help = "\
Jobs are deleted, at the engine too. The sums of usage stay, and name nobody. The events of the audit log stay, under a
pseudonym behind which no name stands. Messages for webhooks stay without the client_ref; those that wait are sent so.
What this doesn't reach: a client_ref that is shut out stays so (a restore reads that in ended.jsonl too), API keys that
are isolated to it keep it, and backups, logs and the feed keep what they have until they are pruned. Shut the end user out before (voxgate temporary-keys revoke
--client-ref), or what they do meanwhile is counted under their client_ref again.

Examples:
  voxgate client-refs forget USER123 --yes --config voxgate.toml
  voxgate client-refs forget USER123 --project 1 --yes --json --config voxgate.toml")]
    Forget {
        /// The end user
        #[arg(value_name = "REF", value_parser = parse_client_ref)]
        client_ref: ClientRef,
        /// Only in this project; in every one of the workspace, deleted ones too, if left out
        #[arg(long, value_name = "ID", value_parser = parse_project)]
        project: Option<ProjectId>,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

pub(super) async fn run(command: ClientRefsCommand) -> Result<(), Failure> {
    let ClientRefsCommand::Forget { client_ref, project, confirmation, place } = command;
    let shown = output::harmless(client_ref.as_str());
    confirmation.needed(&format!("forgetting {shown} deletes their jobs and can't be undone"))?;
    let call = ForgetCall { workspace: place.workspace, project, client_ref };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        output::say_json(&answer)?;
    } else {
        say(&shown, &answer);
    }
    let failed =
        answer["jobs"].as_array().into_iter().flatten().filter_map(|region| region["failed"].as_u64());
    match failed.sum::<u64>() {
        0 => Ok(()),
        left => Err(Failure(format!(
            "engines didn't delete {left} jobs, so these and older ones are not forgotten: run this again when they do"
        ))),
    }
}

fn say(client_ref: &str, answer: &Value) {
    let cell = |field: &str| output::cell(&answer[field]);
    output::say(&format!("forgot {client_ref}:"));
    output::say(&format!("  {} lines of usage name nobody any more", cell("usage_lines")));
    output::say(&format!("  {} messages for webhooks name it no more", cell("webhook_messages")));
    output::say(&format!("  {} names behind pseudonyms of the audit log", cell("audit_names")));
    output::say(&format!("  {} quotas that were set for it", cell("quotas")));
    match answer["jobs"].as_array() {
        None => {
            output::remark("  jobs were not looked at: no server runs here. Run this again while it does")
        }
        Some(regions) => {
            for region in regions {
                output::say(&format!(
                    "  {} jobs in {}; {} of them its engine keeps, since it can't delete",
                    output::cell(&region["forgotten"]),
                    output::cell(&region["region"]),
                    output::cell(&region["kept_at_engine"])
                ));
            }
        }
    }
    if answer["shut_out_of"].as_array().is_some_and(|projects| !projects.is_empty()) {
        output::remark(&format!("  it stays shut out of the projects {}", cell("shut_out_of")));
    }
    if answer["api_keys"].as_u64() != Some(0) {
        output::remark(&format!(
            "  {} API keys are isolated to it: revoke them with voxgate keys revoke",
            cell("api_keys")
        ));
    }
}
