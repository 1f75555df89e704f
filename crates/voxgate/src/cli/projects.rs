//! `voxgate projects`.

use clap::Subcommand;
use domain::ProjectId;

use super::args::{Confirmation, WorkspaceArgs, parse_project};
use super::{Failure, instance, output};
use crate::operator::ProjectCall;

const COLUMNS: [&str; 5] = ["project_id", "name", "description", "is_default", "created_at"];

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  voxgate projects create --name 'Call centre' --data-dir ./try
  voxgate projects list --json --data-dir ./try
  voxgate projects change 2 --name Hotline --data-dir ./try
  voxgate projects delete 2 --yes --data-dir ./try")]
pub(super) enum ProjectsCommand {
    /// Make a project
    #[command(after_help = "\
Examples:
  voxgate projects create --name 'Call centre' --description 'What customers say' --data-dir ./try")]
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
    #[command(after_help = "\
Examples:
  voxgate projects list --data-dir ./try
  voxgate projects list --json --server https://mp.example.org")]
    List {
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Give a project another name
    #[command(after_help = "\
Examples:
  voxgate projects change 2 --name Hotline --data-dir ./try")]
    Change {
        /// The project's number
        #[arg(value_parser = parse_project)]
        id: ProjectId,
        /// The name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
    /// Delete a project: its keys, and everything born of them, are refused from then on
    #[command(after_help = "\
Examples:
  voxgate projects delete 2 --yes --data-dir ./try")]
    Delete {
        /// The project's number
        #[arg(value_parser = parse_project)]
        id: ProjectId,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        place: WorkspaceArgs,
    },
}

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
        ProjectsCommand::Change { id, name, place } => {
            let call = ProjectCall::Rename { workspace: place.workspace, id, name };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("project {id} is called {} now", output::cell(&answer["name"])));
        }
        ProjectsCommand::Delete { id, confirmation, place } => {
            confirmation.needed(&format!("deleting project {id} revokes its keys and can't be undone"))?;
            let call = ProjectCall::Delete { workspace: place.workspace, id };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_ended(&format!("deleted project {id}, and revoked its keys"), &answer);
        }
    }
    Ok(())
}
