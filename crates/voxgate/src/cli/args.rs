//! What can be typed: the commands, and what several of them share. What one command takes stands in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::{ClientRef, ProjectId, Timestamp, WorkspaceId};

use super::config::ConfigCommand;
use super::dev::DevArgs;
use super::jobs::JobsCommand;
use super::keys::KeysCommand;
use super::mint::MintArgs;
use super::projects::ProjectsCommand;
use super::serve::ServeArgs;
use super::tokens::TokensCommand;
use super::verify::VerifyArgs;
use super::workspaces::WorkspacesCommand;

/// Self-hosted authentication for a speech API: keys in, strangers out.
#[derive(Debug, Parser)]
#[command(name = "voxgate", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  voxgate dev                                    a first look: everything filled in, on this machine
  voxgate dev --json --port 0 --data-dir ./try   for scripts and CI
  voxgate config example > voxgate.toml          the file to start from
  voxgate serve --config voxgate.toml            in front of real engines
  voxgate keys create --name ci --data-dir ./try make an API key";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run an instance with everything filled in, and a sandbox in place of an engine
    Dev(DevArgs),
    /// Run an instance in front of real engines
    Serve(ServeArgs),
    /// Check a configuration file, or print one to start from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make and list workspaces
    #[command(subcommand)]
    Workspaces(WorkspacesCommand),
    /// Make and list projects
    #[command(subcommand)]
    Projects(ProjectsCommand),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Make, list and revoke management tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Mint a temporary key from an API key
    Mint(MintArgs),
    /// Say what a key or token is, and whether it would be let in
    Verify(VerifyArgs),
    /// Take in jobs that an engine held before Voxgate
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Print the version
    Version,
}

/// Which instance a command speaks to.
#[derive(Debug, Args)]
pub(super) struct InstanceArgs {
    /// The instance's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config", required_unless_present = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// The instance's configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which workspace of it.
#[derive(Debug, Args)]
pub(super) struct WorkspaceArgs {
    /// The workspace; may be left out where there is only one
    #[arg(long, value_name = "WS", value_parser = parse_workspace)]
    pub(super) workspace: Option<WorkspaceId>,
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

/// The word for standard input, and no other.
#[derive(Debug, Clone, Copy)]
pub(super) struct StandardInput;

impl std::str::FromStr for StandardInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "-" {
            return Ok(Self);
        }
        Err("a secret doesn't belong on a command line: give \"-\" and send it on standard input".to_owned())
    }
}

pub(super) fn parse_workspace(text: &str) -> Result<WorkspaceId, String> {
    WorkspaceId::parse(text).ok_or_else(|| "expected a workspace's id: ws_ and 26 characters".to_owned())
}

pub(super) fn parse_project(text: &str) -> Result<ProjectId, String> {
    text.parse()
        .map(ProjectId::new)
        .map_err(|_| "expected a project's number: voxgate projects list shows it".to_owned())
}

pub(super) fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "expected a time as in 2027-01-31T00:00:00Z".to_owned())
}

pub(super) fn parse_client_ref(text: &str) -> Result<ClientRef, String> {
    ClientRef::new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// The declarations don't contradict each other.
    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// A secret on the command line is refused where it isn't the very thing that is asked about.
    #[test]
    fn api_keys_are_not_taken_from_the_command_line() {
        assert!(
            Cli::try_parse_from(["voxgate", "mint", "--ttl", "60", "--data-dir", "x", "--api-key", "vgk_x"])
                .is_err()
        );
        assert!(
            Cli::try_parse_from(["voxgate", "mint", "--ttl", "60", "--data-dir", "x", "--api-key", "-"])
                .is_ok()
        );
    }
}
