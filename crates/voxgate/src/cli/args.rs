//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::{
    ApiKeyId, Area, ClientRef, ManagementTokenId, Permission, Plan, Product, ProjectId, Region, Timestamp,
    WorkspaceId,
};
use ipnet::IpNet;

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

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  voxgate dev
  voxgate dev --data-dir ./try                   the same account, keys and jobs at each start
  voxgate dev --recognizer 'recognize {wav}'     real words instead of placeholders
  voxgate dev --upstream-batch http://127.0.0.1:18000 --upstream-realtime ws://127.0.0.1:9000")]
pub(super) struct DevArgs {
    /// The port that routes by path; 0 picks free ports
    #[arg(long, value_name = "P", default_value_t = 8080)]
    pub(super) port: u16,
    /// Where to keep everything; without it, a temporary folder that is removed at the end
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Print one line of JSON when ready, and nothing else on standard output
    #[arg(long)]
    pub(super) json: bool,
    /// A command that prints what a WAV file says; {wav} stands for the file
    #[arg(long, value_name = "CMD")]
    pub(super) recognizer: Option<String>,
    /// From which importance on something is logged: error, warn, info (each request), debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: crate::log::LogLevel,
    /// A real engine for the Jobs API, in place of the sandbox
    #[arg(long, value_name = "URL")]
    pub(super) upstream_batch: Option<String>,
    /// A real engine for realtime, in place of the sandbox
    #[arg(long, value_name = "URL")]
    pub(super) upstream_realtime: Option<String>,
    /// Threads that serve connections; one per processor if left out
    #[arg(long, value_name = "N", hide = true)]
    pub(super) worker_threads: Option<usize>,
    /// The shortest temporary key, for tests that wait until one expires
    #[arg(long, value_name = "SECONDS", hide = true, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) ttl_min_seconds: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration file; voxgate config example prints one
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Tell everything that is wrong with a file, with line numbers
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print a complete commented file
    Example,
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

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate workspaces create --name Acme --plan enterprise --config voxgate.toml
  voxgate workspaces list --config voxgate.toml")]
pub(super) enum WorkspacesCommand {
    /// Make a workspace with its default project
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// Its plan: free, pro or enterprise
        #[arg(long, default_value_t = Plan::Pro)]
        plan: Plan,
        /// The area of its keys unless told otherwise: eu, usa or au
        #[arg(long, default_value_t = Area::Eu)]
        area: Area,
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// List the workspaces
    List {
        #[command(flatten)]
        instance: InstanceArgs,
    },
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate projects create --name 'Call centre' --data-dir ./try
  voxgate projects list --json --data-dir ./try")]
pub(super) enum ProjectsCommand {
    /// Make a project
    Create {
        /// Its name
        #[arg(long)]
        name: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// List the projects
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

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
        /// view_sessions, end_sessions, view_usage, view_audit, or all
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

#[derive(Debug, Args)]
#[command(after_help = "\
The API key comes from the environment variable VOXGATE_API_KEY or, with --api-key -, from standard input: on a command
line other users of the machine could read it. A data folder of voxgate dev knows its own.

Examples:
  voxgate mint --type rt --ttl 60 --data-dir ./try
  VOXGATE_API_KEY=vgk_… voxgate mint --type batch --ttl 600 --client-ref USER123 --config voxgate.toml")]
pub(super) struct MintArgs {
    /// The product: batch, rt, tts or flow
    #[arg(long = "type", value_name = "PRODUCT", default_value_t = Product::Batch)]
    pub(super) product: Product,
    /// How long it lives, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) ttl: u32,
    /// Narrows it to one area: eu, usa or au
    #[arg(long, value_name = "AREA")]
    pub(super) region: Option<Area>,
    /// The end user that it is for
    #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
    pub(super) client_ref: Option<ClientRef>,
    /// "-" reads the API key from standard input
    #[arg(long, value_name = "-")]
    pub(super) api_key: Option<StandardInput>,
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

#[derive(Debug, Args)]
#[command(after_help = "\
Without an instance this tells what can be seen offline: what it is, whether it was mistyped, what a token says.
With one it tells whether the instance would let it in, and why not.

Examples:
  voxgate verify vgk_…
  voxgate verify --data-dir ./try --type rt --region eu1 - < key.txt")]
pub(super) struct VerifyArgs {
    /// The key or token; "-" reads it from standard input
    #[arg(value_name = "KEY_OR_TOKEN")]
    pub(super) credential: String,
    /// For this product: batch, rt, tts or flow
    #[arg(long = "type", value_name = "PRODUCT")]
    pub(super) product: Option<Product>,
    /// In this region: eu1, us1, au1, eu2 or us2
    #[arg(long)]
    pub(super) region: Option<Region>,
    /// The instance's data folder
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(super) data_dir: Option<PathBuf>,
    /// The instance's configuration file
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Example:
  voxgate jobs adopt --region eu1 --project 1 --config voxgate.toml")]
pub(super) enum JobsCommand {
    /// Give the jobs that an engine holds, and nobody owns, to a project; the server must run
    Adopt {
        /// Where the engine is: eu1, us1, au1, eu2 or us2
        #[arg(long)]
        region: Region,
        /// The project that shall own them
        #[arg(long, value_name = "ID", value_parser = parse_project)]
        project: ProjectId,
        /// The end user that shall own them
        #[arg(long, value_name = "REF", value_parser = parse_client_ref)]
        client_ref: Option<ClientRef>,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

fn parse_workspace(text: &str) -> Result<WorkspaceId, String> {
    WorkspaceId::parse(text).ok_or_else(|| "expected a workspace's id: ws_ and 26 characters".to_owned())
}

fn parse_key(text: &str) -> Result<ApiKeyId, String> {
    ApiKeyId::parse(text).ok_or_else(|| {
        "expected a key's id (key_ and 26 characters), not its secret: voxgate keys list shows it".to_owned()
    })
}

fn parse_token(text: &str) -> Result<ManagementTokenId, String> {
    ManagementTokenId::parse(text).ok_or_else(|| {
        "expected a management token's id (mgt_ and 26 characters), not its secret: voxgate tokens list shows it".to_owned()
    })
}

fn parse_project(text: &str) -> Result<ProjectId, String> {
    text.parse()
        .map(ProjectId::new)
        .map_err(|_| "expected a project's number: voxgate projects list shows it".to_owned())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "expected a time as in 2027-01-31T00:00:00Z".to_owned())
}

fn parse_client_ref(text: &str) -> Result<ClientRef, String> {
    ClientRef::new(text).map_err(|error| error.to_string())
}

fn parse_permissions(text: &str) -> Result<PermissionArg, String> {
    if text == "all" {
        return Ok(PermissionArg::All);
    }
    text.parse().map(PermissionArg::One).map_err(|error: domain::bits::UnknownName| format!("{error}, all"))
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
