//! Running calls about projects.

use control::{Actor, NewProject};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, ProjectCall, views};

impl Operator {
    /// Runs a call about projects.
    pub(super) async fn projects(&self, call: ProjectCall) -> Result<Value, CallError> {
        let control = &self.control;
        match call {
            ProjectCall::Create { workspace, name, description } => {
                let workspace = self.workspace(workspace).await?;
                let new = NewProject { name, description };
                let created =
                    control.create_project(&Actor::OPERATOR, workspace.id, new).await.map_err(failed)?;
                Ok(views::project(&created.project))
            }
            ProjectCall::List { workspace } => {
                let workspace = self.workspace(workspace).await?;
                let projects = control.list_projects(workspace.id).await.map_err(failed)?;
                Ok(projects.iter().map(views::project).collect())
            }
            ProjectCall::Rename { workspace, id, name } => {
                let workspace = self.workspace(workspace).await?;
                let renamed = control.rename_project(&Actor::OPERATOR, workspace.id, id, &name).await;
                Ok(views::project(&renamed.map_err(failed)?))
            }
            ProjectCall::Delete { workspace, id } => {
                let workspace = self.workspace(workspace).await?;
                let revision =
                    control.delete_project(&Actor::OPERATOR, workspace.id, id).await.map_err(failed)?;
                Ok(self.enforced(json!({"project_id": id}), revision).await)
            }
        }
    }
}
