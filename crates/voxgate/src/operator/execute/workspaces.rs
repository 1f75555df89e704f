//! Running calls about workspaces.

use control::{Actor, NewWorkspace};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, WorkspaceCall, views};

impl Operator {
    /// Runs a call about workspaces.
    pub(super) async fn workspaces(&self, call: WorkspaceCall) -> Result<Value, CallError> {
        match call {
            WorkspaceCall::Create { name, plan, home_area } => {
                let new = NewWorkspace { name, plan, home_area };
                let created = self.control.create_workspace(&Actor::Operator, new).await.map_err(failed)?;
                let mut answer = views::workspace(&created.workspace);
                answer["default_project_id"] = json!(created.default_project.id);
                Ok(answer)
            }
            WorkspaceCall::List => {
                let workspaces = self.control.list_workspaces().await.map_err(failed)?;
                Ok(workspaces.iter().map(views::workspace).collect())
            }
        }
    }
}
