//! `voxgate workspaces`.

use clap::Subcommand;
use domain::{Area, Plan};

use super::args::InstanceArgs;
use super::{Failure, instance, output};
use crate::operator::WorkspaceCall;

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

const COLUMNS: [&str; 5] = ["workspace_id", "name", "plan", "home_area", "created_at"];

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
        }
        WorkspacesCommand::List { instance } => {
            let answer = instance::call(&instance, WorkspaceCall::List).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
    }
    Ok(())
}
