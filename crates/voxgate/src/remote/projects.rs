//! Projects over the management API.

use ::http::Method;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, ProjectCall, shapes};

impl Remote {
    /// Runs a call about projects.
    pub(super) async fn projects(&self, call: ProjectCall) -> Result<Value, CallError> {
        match call {
            ProjectCall::Create { workspace, name, description } => {
                let path = in_workspace("/v1/projects", workspace);
                let body = json!({"name": name, "description": description});
                Ok(shapes::PROJECT.of(&self.send(Method::POST, &path, &body).await?))
            }
            ProjectCall::List { workspace } => {
                let projects = self.get(&in_workspace("/v1/projects", workspace)).await?;
                Ok(shapes::PROJECT.of_all(projects.as_array().map_or(&[], Vec::as_slice)))
            }
            ProjectCall::Rename { workspace, id, name } => {
                let path = in_workspace(&format!("/v1/projects/{id}"), workspace);
                Ok(shapes::PROJECT.of(&self.send(Method::PUT, &path, &json!({"name": name})).await?))
            }
            ProjectCall::Delete { workspace, id } => {
                let path = in_workspace(&format!("/v1/projects/{id}"), workspace);
                self.end(&path, json!({"project_id": id})).await
            }
        }
    }
}
