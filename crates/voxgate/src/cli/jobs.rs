//! `voxgate jobs`.

use clap::Subcommand;
use domain::{ClientRef, ProjectId, Region};

use super::args::{WorkspaceArgs, parse_client_ref, parse_project};
use super::{Failure, instance, output};
use crate::operator::Call;

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

pub(super) async fn run(command: JobsCommand) -> Result<(), Failure> {
    let JobsCommand::Adopt { region, project, client_ref, place } = command;
    let call = Call::AdoptJobs { region, workspace: place.workspace, project, client_ref };
    let answer = instance::call(&place.instance, call).await?;
    if place.instance.json {
        return output::say_json(&answer);
    }
    output::say(&format!(
        "project {project} now owns {} jobs more in {region}",
        output::cell(&answer["adopted"])
    ));
    Ok(())
}
