//! `voxgate temporary-keys`.

use clap::{Args, Subcommand};
use domain::{ClientRef, ProjectId, TemporaryKeyId};

use super::args::{StandardInput, WorkspaceArgs, parse_client_ref, parse_project};
use super::{Failure, input, instance, output};
use crate::operator::TemporaryKeyCall;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate temporary-keys revoke key_….… --data-dir ./try
  voxgate temporary-keys revoke --key - --config voxgate.toml < key.txt
  voxgate temporary-keys revoke --client-ref USER123 --config voxgate.toml
  voxgate temporary-keys readmit --client-ref USER123 --config voxgate.toml")]
pub(super) enum TemporaryKeysCommand {
    /// Revoke one temporary key, or every one of an end user; open sessions end
    Revoke(RevokeArgs),
    /// Let an end user in again: keys can be minted for them, those from before stay dead
    Readmit {
        /// The end user
        #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
        client_ref: ClientRef,
        /// Only in this project; in every one of the workspace if left out
        #[arg(long, value_name = "ID", value_parser = parse_project)]
        project: Option<ProjectId>,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate temporary-keys revoke key_….… --data-dir ./try
  voxgate temporary-keys revoke --key - --config voxgate.toml < key.txt
  voxgate temporary-keys revoke --client-ref USER123 --config voxgate.toml")]
pub(super) struct RevokeArgs {
    /// Its id (jti), as the header Temporary-Key-Id told it at minting
    #[arg(
        value_name = "JTI",
        value_parser = parse_temporary_key,
        required_unless_present_any = ["key", "client_ref"],
        conflicts_with_all = ["key", "client_ref"]
    )]
    id: Option<TemporaryKeyId>,
    /// "-" reads the temporary key itself from standard input
    #[arg(long, value_name = "-", conflicts_with_all = ["client_ref", "token"])]
    key: Option<StandardInput>,
    /// Every temporary key of this end user; none is minted for them until they are readmitted
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    client_ref: Option<ClientRef>,
    /// Only in this project; in every one of the workspace if left out
    #[arg(long, value_name = "ID", value_parser = parse_project, requires = "client_ref")]
    project: Option<ProjectId>,
    #[command(flatten)]
    place: WorkspaceArgs,
}

pub(super) async fn run(command: TemporaryKeysCommand) -> Result<(), Failure> {
    match command {
        TemporaryKeysCommand::Revoke(arguments) => revoke(arguments).await,
        TemporaryKeysCommand::Readmit { client_ref, project, place } => {
            let workspace = place.workspace;
            let call = TemporaryKeyCall::Readmit { workspace, project, client_ref: client_ref.clone() };
            let said = format!("{client_ref} is let in again; keys from before stay dead");
            end(&place, call, &said).await
        }
    }
}

async fn revoke(arguments: RevokeArgs) -> Result<(), Failure> {
    let RevokeArgs { id, key: _, client_ref, project, place } = arguments;
    let workspace = place.workspace;
    if let Some(client_ref) = client_ref {
        let said = format!("{client_ref} is shut out, and every temporary key of theirs revoked");
        return end(&place, TemporaryKeyCall::ShutOut { workspace, project, client_ref }, &said).await;
    }
    let call = match id {
        Some(id) => TemporaryKeyCall::Revoke { workspace, id },
        None => TemporaryKeyCall::RevokeValue { workspace, key_value: input::credential()?.to_string() },
    };
    end(&place, call, "the temporary key is revoked").await
}

async fn end(place: &WorkspaceArgs, call: TemporaryKeyCall, said: &str) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say_ended(&output::harmless(said), &answer);
    Ok(())
}

fn parse_temporary_key(text: &str) -> Result<TemporaryKeyId, String> {
    TemporaryKeyId::parse(text).ok_or_else(|| {
        "expected the id of a temporary key (the id of an API key, a dot and 26 characters), not the key itself: \
         send that on standard input with --key -"
            .to_owned()
    })
}
