//! `voxgate workspaces`.

use super::args::WorkspacesCommand;
use super::{Failure, instance, output};
use crate::operator::Call;

const COLUMNS: [&str; 5] = ["workspace_id", "name", "plan", "home_area", "created_at"];

pub(super) async fn run(command: WorkspacesCommand) -> Result<(), Failure> {
    match command {
        WorkspacesCommand::Create { name, plan, area, instance } => {
            let call = Call::CreateWorkspace { name, plan, home_area: area };
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
            let answer = instance::call(&instance, Call::ListWorkspaces).await?;
            if instance.json {
                return output::say_json(&answer);
            }
            output::say_table(&answer, &COLUMNS);
        }
    }
    Ok(())
}
