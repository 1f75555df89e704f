//! Running calls about projects.

use control::{Actor, NewProject};
use serde_json::Value;

use super::{Operator, failed};
use crate::operator::{CallError, ProjectCall, views};

impl Operator {
    /// Runs a call about projects.
    pub(super) async fn projects(&self, call: ProjectCall) -> Result<Value, CallError> {
        match call {
            ProjectCall::Create { workspace, name, description } => {
                let workspace = self.workspace(workspace).await?;
                let new = NewProject { name, description };
                let created =
                    self.control.create_project(&Actor::Operator, workspace.id, new).await.map_err(failed)?;
                Ok(views::project(&created.project))
            }
            ProjectCall::List { workspace } => {
                let workspace = self.workspace(workspace).await?;
                let projects = self.control.list_projects(workspace.id).await.map_err(failed)?;
                Ok(projects.iter().map(views::project).collect())
            }
        }
    }
}
