//! `voxgate workspaces`.

use clap::{Args, Subcommand};
use domain::{Area, OwnLimits, Plan, Role, WorkspaceId};

use super::args::{Confirmation, InstanceArgs, WorkspaceArgs, parse_workspace};
use super::{Failure, instance, output};
use crate::operator::{Who, WorkspaceCall};

const COLUMNS: [&str; 5] = ["workspace_id", "name", "plan", "home_area", "created_at"];
const MEMBER_COLUMNS: [&str; 3] = ["account_id", "email", "role"];
const LIMITS: [&str; 8] = [
    "concurrent_sessions_max",
    "creates_per_second_max",
    "reads_per_second_max",
    "mints_per_second_max",
    "projects_max",
    "api_keys_per_project_max",
    "audio_seconds_per_month_max",
    "enterprise",
];

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate workspaces create --name Acme --plan enterprise --config voxgate.toml
  voxgate workspaces list --config voxgate.toml
  voxgate workspaces change --workspace ws_… --concurrent-sessions-max 200 --config voxgate.toml
  voxgate workspaces members set ann@example.org --role admin --config voxgate.toml")]
pub(super) enum WorkspacesCommand {
    /// Make a workspace with its default project
    #[command(after_help = "\
Examples:
  voxgate workspaces create --name Acme --config voxgate.toml
  voxgate workspaces create --name Acme --plan enterprise --area usa --json --config voxgate.toml")]
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
    #[command(after_help = "\
Examples:
  voxgate workspaces list --config voxgate.toml
  voxgate workspaces list --json --server https://mp.example.org")]
    List {
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// Show a workspace and the limits that hold for it
    #[command(after_help = "\
Examples:
  voxgate workspaces show --workspace ws_… --config voxgate.toml")]
    Show {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Change a workspace's name, plan or limits; what isn't named stays
    #[command(after_help = "\
Examples:
  voxgate workspaces change --workspace ws_… --plan enterprise --config voxgate.toml
  voxgate workspaces change --workspace ws_… --concurrent-sessions-max 200 --config voxgate.toml
  voxgate workspaces change --workspace ws_… --plan-limits --config voxgate.toml")]
    Change(ChangeWorkspaceArgs),
    /// Close a workspace: everything in it is revoked, for good
    #[command(after_help = "\
Examples:
  voxgate workspaces close ws_… --yes --config voxgate.toml")]
    Close {
        /// The workspace
        #[arg(value_name = "WS", value_parser = parse_workspace)]
        workspace: WorkspaceId,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        instance: InstanceArgs,
    },
    /// List, take in and take out members
    #[command(subcommand)]
    Members(MembersCommand),
}

#[derive(Debug, Args)]
pub(super) struct ChangeWorkspaceArgs {
    /// Another name
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Another plan: free, pro or enterprise
    #[arg(long)]
    pub(super) plan: Option<Plan>,
    /// Take away all limits of its own, so that the plan's hold
    #[arg(long)]
    pub(super) plan_limits: bool,
    /// Realtime sessions open at once, per project
    #[arg(long, value_name = "N")]
    pub(super) concurrent_sessions_max: Option<u32>,
    /// Jobs created and sessions started per second, per project
    #[arg(long, value_name = "N")]
    pub(super) creates_per_second_max: Option<u32>,
    /// Reads of jobs per second, per project
    #[arg(long, value_name = "N")]
    pub(super) reads_per_second_max: Option<u32>,
    /// Temporary keys minted per second, per API key
    #[arg(long, value_name = "N")]
    pub(super) mints_per_second_max: Option<u32>,
    /// Audio of the workspace in a UTC month, batch and realtime together, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) audio_seconds_per_month_max: Option<u32>,
    /// Whether failover regions and keys of several areas are allowed: true or false
    #[arg(long, value_name = "BOOL")]
    pub(super) enterprise: Option<bool>,
    #[command(flatten)]
    pub(super) place: WorkspaceArgs,
}

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate workspaces members list --workspace ws_… --config voxgate.toml
  voxgate workspaces members set ann@example.org --role admin --config voxgate.toml
  voxgate workspaces members remove ann@example.org --config voxgate.toml")]
pub(super) enum MembersCommand {
    /// List the members of a workspace
    #[command(after_help = "\
Examples:
  voxgate workspaces members list --workspace ws_… --config voxgate.toml")]
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Make an account a member with this role, whatever it was before
    #[command(after_help = "\
Examples:
  voxgate workspaces members set ann@example.org --role admin --config voxgate.toml")]
    Set {
        /// The account's e-mail address or id
        #[arg(value_name = "USER")]
        who: Who,
        /// What it may do: admin or member
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Take an account out of a workspace; what it made stays
    #[command(after_help = "\
Examples:
  voxgate workspaces members remove ann@example.org --config voxgate.toml")]
    Remove {
        /// The account's e-mail address or id
        #[arg(value_name = "USER")]
        who: Who,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

pub(super) async fn run(command: WorkspacesCommand) -> Result<(), Failure> {
    match command {
        WorkspacesCommand::Create { name, plan, area, instance } => {
            let call = WorkspaceCall::Create { name, plan, home_area: area };
            let answer = instance::call(&instance, call).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!(
                "made workspace {} with the default project {}",
                output::cell(&answer["workspace_id"]),
                output::cell(&answer["default_project_id"])
            ));
            Ok(())
        }
        WorkspacesCommand::List { instance } => {
            let answer = instance::call(&instance, WorkspaceCall::List).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
            Ok(())
        }
        WorkspacesCommand::Show { place } => {
            show(&place, WorkspaceCall::Show { workspace: place.workspace }).await
        }
        WorkspacesCommand::Change(arguments) => change(arguments).await,
        WorkspacesCommand::Close { workspace, confirmation, instance } => {
            confirmation
                .needed(&format!("closing {workspace} revokes everything in it and can't be undone"))?;
            let answer = instance::call(&instance, WorkspaceCall::Close { workspace }).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_ended(&format!("closed {workspace}, and revoked everything in it"), &answer);
            Ok(())
        }
        WorkspacesCommand::Members(command) => members(command).await,
    }
}

async fn show(place: &WorkspaceArgs, call: WorkspaceCall) -> Result<(), Failure> {
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say_fields(&answer, &COLUMNS);
    output::say_fields(&answer["limits"], &LIMITS);
    let own = answer["own_limits"].as_object().map(|own| own.keys().cloned().collect::<Vec<_>>());
    if let Some(own) = own.filter(|own| !own.is_empty()) {
        output::say(&format!("its own, not the plan's: {}", own.join(", ")));
    }
    Ok(())
}

async fn change(arguments: ChangeWorkspaceArgs) -> Result<(), Failure> {
    let limits = OwnLimits {
        concurrent_sessions_max: arguments.concurrent_sessions_max,
        creates_per_second_max: arguments.creates_per_second_max,
        reads_per_second_max: arguments.reads_per_second_max,
        mints_per_second_max: arguments.mints_per_second_max,
        audio_seconds_per_month_max: arguments.audio_seconds_per_month_max,
        enterprise: arguments.enterprise,
    };
    let call = WorkspaceCall::Change {
        workspace: arguments.place.workspace,
        name: arguments.name,
        plan: arguments.plan,
        limits,
        plan_limits: arguments.plan_limits,
    };
    show(&arguments.place, call).await
}

async fn members(command: MembersCommand) -> Result<(), Failure> {
    match command {
        MembersCommand::List { place } => {
            let answer =
                instance::call(&place.instance, WorkspaceCall::Members { workspace: place.workspace })
                    .await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &MEMBER_COLUMNS);
        }
        MembersCommand::Set { who, role, place } => {
            let said = format!("{who} is {role} now");
            let call = WorkspaceCall::SetMember { workspace: place.workspace, who, role };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&output::harmless(&said));
        }
        MembersCommand::Remove { who, place } => {
            let said = format!("{who} is no member any more");
            let call = WorkspaceCall::RemoveMember { workspace: place.workspace, who };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&output::harmless(&said));
        }
    }
    Ok(())
}
