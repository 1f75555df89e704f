//! `voxgate projects` and `voxgate jobs`.

use super::args::{JobsCommand, ProjectsCommand};
use super::{Failure, instance, output};
use crate::operator::Call;

const COLUMNS: [&str; 5] = ["project_id", "name", "description", "is_default", "created_at"];

pub(super) async fn run(command: ProjectsCommand) -> Result<(), Failure> {
    match command {
        ProjectsCommand::Create { name, description, place } => {
            let call = Call::CreateProject { workspace: place.workspace, name, description };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say(&format!("made project {}", output::cell(&answer["project_id"])));
        }
        ProjectsCommand::List { place } => {
            let call = Call::ListProjects { workspace: place.workspace };
            let answer = instance::call(&place.instance, call).await?;
            if place.instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
    }
    Ok(())
}

pub(super) async fn jobs(command: JobsCommand) -> Result<(), Failure> {
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
