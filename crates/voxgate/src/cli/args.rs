//! What can be typed: the commands, and what several of them share. What one command takes stands in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::{ClientRef, ProjectId, Timestamp, WorkspaceId};

use super::Failure;
use super::audit::AuditCommand;
use super::backup::{BackupArgs, RestoreArgs};
use super::client_refs::ClientRefsCommand;
use super::completions::{CompletionsArgs, ManArgs};
use super::config::ConfigCommand;
use super::dev::DevArgs;
use super::doctor::DoctorArgs;
use super::drain::DrainArgs;
use super::gateways::GatewaysArgs;
use super::health::HealthArgs;
use super::jobs::JobsCommand;
use super::keys::KeysCommand;
use super::master_key::MasterKeyCommand;
use super::mint::MintArgs;
use super::projects::ProjectsCommand;
use super::quotas::QuotasCommand;
use super::serve::ServeArgs;
use super::sessions::SessionsCommand;
use super::signing_keys::SigningKeysCommand;
use super::temporary_keys::TemporaryKeysCommand;
use super::tokens::TokensCommand;
use super::usage::UsageArgs;
use super::users::UsersCommand;
use super::verify::VerifyArgs;
use super::webhooks::WebhooksCommand;
use super::workspaces::WorkspacesCommand;
use crate::remote::ServerUrl;

/// Self-hosted authentication for a speech API: keys in, strangers out.
#[derive(Debug, Parser)]
#[command(name = "voxgate", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The command line, in which every command shows examples: its own, or those of its group that are about it.
pub(super) fn command() -> clap::Command {
    with_examples(<Cli as clap::CommandFactory>::command(), "voxgate", "")
}

fn with_examples(command: clap::Command, path: &str, of_group: &str) -> clap::Command {
    let own = command.get_after_help().map(ToString::to_string);
    let is_about =
        |line: &&str| line.starts_with("  ") && (line.contains(&format!("{path} ")) || line.ends_with(path));
    let fitting: Vec<&str> = of_group.lines().filter(is_about).collect();
    let shown = match own {
        Some(own) => own,
        None if fitting.is_empty() => String::new(),
        None => format!("Examples:\n{}", fitting.join("\n")),
    };
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = if shown.is_empty() { command } else { command.after_help(shown.clone()) };
    names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |sub| with_examples(sub, &path, &shown))
    })
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
    /// Make, list and change accounts
    #[command(subcommand)]
    Users(UsersCommand),
    /// Make, list, change and close workspaces, and their members
    #[command(subcommand)]
    Workspaces(WorkspacesCommand),
    /// Make, list, rename and delete projects
    #[command(subcommand)]
    Projects(ProjectsCommand),
    /// Make, list, change, rotate, import and revoke API keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Revoke temporary keys, and let end users in again
    #[command(subcommand)]
    TemporaryKeys(TemporaryKeysCommand),
    /// Make, list and revoke management tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// List, rotate and revoke the keys that sign temporary keys
    #[command(subcommand)]
    SigningKeys(SigningKeysCommand),
    /// Encrypt the private keys under another master key
    #[command(subcommand)]
    MasterKey(MasterKeyCommand),
    /// Mint a temporary key from an API key
    Mint(MintArgs),
    /// Say what a key or token is, and why it would be refused
    Verify(VerifyArgs),
    /// Write everything but the master key into a file, while the server runs or not
    Backup(BackupArgs),
    /// Make an instance from a backup, in an empty place
    Restore(RestoreArgs),
    /// List, watch and end open sessions
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Show what was used
    Usage(UsageArgs),
    /// Show, set and take away quotas on audio
    #[command(subcommand)]
    Quotas(QuotasCommand),
    /// Have addresses told of events, and see what was sent
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Forget end users
    #[command(subcommand)]
    ClientRefs(ClientRefsCommand),
    /// Take in jobs that an engine held before Voxgate
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Read the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Show the connected gateways, and how far each is
    Gateways(GatewaysArgs),
    /// Say whether a running server is ready, for probes
    Health(HealthArgs),
    /// Let a running server finish what is under way, and end
    Drain(DrainArgs),
    /// Examine a deployment, and say what to do
    Doctor(DoctorArgs),
    /// Print a shell's completions
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    Man(ManArgs),
    /// Print docs/reference/cli.md
    #[command(hide = true)]
    Reference,
    /// Print the version
    #[command(after_help = "\
Examples:
  voxgate version")]
    Version,
}

/// Which instance a command speaks to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Instance")]
pub(super) struct InstanceArgs {
    /// Its data folder, on this machine
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["config", "server"],
        required_unless_present_any = ["config", "server"]
    )]
    pub(super) data_dir: Option<PathBuf>,
    /// Its configuration file, on this machine
    #[arg(long, value_name = "FILE", conflicts_with = "server")]
    pub(super) config: Option<PathBuf>,
    /// Its management API, as in https://mp.example.org; the management token is taken from VOXGATE_MANAGEMENT_TOKEN
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<ServerUrl>,
    /// "-" reads the management token from standard input
    #[arg(long, value_name = "-", requires = "server")]
    pub(super) token: Option<StandardInput>,
    /// Certificate authorities to trust for --server, beside the machine's (PEM)
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(super) ca_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Which workspace of it.
#[derive(Debug, Args)]
pub(super) struct WorkspaceArgs {
    /// The workspace; may be left out where there is only one, and with --server, where it is the token's own
    #[arg(long, value_name = "WS", value_parser = parse_workspace)]
    pub(super) workspace: Option<WorkspaceId>,
    #[command(flatten)]
    pub(super) instance: InstanceArgs,
}

/// What can't be undone is done only when it is said twice.
#[derive(Debug, Args)]
pub(super) struct Confirmation {
    /// Yes, do it: it can't be undone
    #[arg(long)]
    pub(super) yes: bool,
}

impl Confirmation {
    /// # Errors
    /// Unless it was confirmed.
    pub(super) fn needed(&self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        Err(Failure(format!("{what}: say --yes if you mean it")))
    }
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
    use super::*;

    /// The declarations don't contradict each other.
    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
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
