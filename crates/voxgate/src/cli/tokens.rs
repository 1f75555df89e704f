//! `voxgate tokens`.

use clap::Subcommand;
use domain::{Clock as _, ManagementTokenId, Permission, PermissionSet, SystemClock};

use super::args::WorkspaceArgs;
use super::{Failure, instance, output};
use crate::operator::TokenCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate tokens create --name ci --permissions view_projects,create_api_keys --data-dir ./try
  voxgate tokens list --data-dir ./try
  voxgate tokens revoke mgt_… --data-dir ./try")]
pub(super) enum TokensCommand {
    /// Make a management token; its secret is shown once
    Create {
        /// Its name
        #[arg(long, default_value = "")]
        name: String,
        /// What it may do: view_projects, manage_projects, view_api_keys, delete_api_keys, create_api_keys,
        /// view_sessions, end_sessions, view_usage, view_audit, all of these by the word all, and operate_instance:
        /// everything, in every workspace
        #[arg(long, required = true, value_delimiter = ',', value_parser = parse_permissions)]
        permissions: Vec<PermissionArg>,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// List management tokens
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Revoke a management token
    Revoke {
        /// The token's id, as voxgate tokens list shows it
        #[arg(value_parser = parse_token)]
        id: ManagementTokenId,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

/// One permission, or all of them.
#[derive(Debug, Clone, Copy)]
pub(super) enum PermissionArg {
    One(Permission),
    All,
}

const COLUMNS: [&str; 6] = ["token_id", "name", "hint", "state", "last_used_at", "permissions"];

pub(super) async fn run(command: TokensCommand) -> Result<(), Failure> {
    match command {
        TokensCommand::Create { name, permissions, place } => {
            let permissions =
                permissions.into_iter().fold(PermissionSet::EMPTY, |set, permission| match permission {
                    PermissionArg::One(permission) => set.with(permission),
                    PermissionArg::All => {
                        PermissionSet::of_a_workspace().iter().fold(set, PermissionSet::with)
                    }
                });
            let call = TokenCall::Create { workspace: place.workspace, name, permissions };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            // The secret alone goes to standard output, so that a script can take it.
            output::remark(&format!(
                "made {}; this is its secret, shown this once:",
                output::cell(&answer["token_id"])
            ));
            output::say(&output::cell(&answer["token_value"]));
        }
        TokensCommand::List { place } => {
            let call = TokenCall::List { workspace: place.workspace };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&output::with_states(&answer, SystemClock.now()), &COLUMNS);
        }
        TokensCommand::Revoke { id, place } => {
            let call = TokenCall::Revoke { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_ended(&format!("revoked {id}"), &answer);
        }
    }
    Ok(())
}

fn parse_token(text: &str) -> Result<ManagementTokenId, String> {
    ManagementTokenId::parse(text).ok_or_else(|| {
        "expected a management token's id (mgt_ and 26 characters), not its secret: voxgate tokens list shows it".to_owned()
    })
}

fn parse_permissions(text: &str) -> Result<PermissionArg, String> {
    if text == "all" {
        return Ok(PermissionArg::All);
    }
    text.parse().map(PermissionArg::One).map_err(|error: domain::bits::UnknownName| format!("{error}, all"))
}
