//! `voxgate projects`.

use clap::Subcommand;

use super::args::WorkspaceArgs;
use super::{Failure, instance, output};
use crate::operator::ProjectCall;

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

const COLUMNS: [&str; 5] = ["project_id", "name", "description", "is_default", "created_at"];

pub(super) async fn run(command: ProjectsCommand) -> Result<(), Failure> {
    match command {
        ProjectsCommand::Create { name, description, place } => {
            let call = ProjectCall::Create { workspace: place.workspace, name, description };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("made project {}", output::cell(&answer["project_id"])));
        }
        ProjectsCommand::List { place } => {
            let call = ProjectCall::List { workspace: place.workspace };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
    }
    Ok(())
}
