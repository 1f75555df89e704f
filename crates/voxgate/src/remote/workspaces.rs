//! Workspaces and their members over the management API.

use ::http::Method;
use domain::WorkspaceId;
use serde_json::{Value, json};

use super::Remote;
use super::call::in_workspace;
use crate::operator::{CallError, WorkspaceCall, shapes};

impl Remote {
    /// Runs a call about workspaces.
    pub(super) async fn workspaces(&self, call: WorkspaceCall) -> Result<Value, CallError> {
        match call {
            WorkspaceCall::Create { name, plan, home_area } => {
                let body = json!({"name": name, "plan": plan, "home_area": home_area});
                let created = self.send(Method::POST, "/v1/workspaces", &body).await?;
                let mut shown = shapes::WORKSPACE.of(&created);
                shown["default_project_id"] = created["default_project_id"].clone();
                Ok(shown)
            }
            WorkspaceCall::List => {
                let workspaces = self.pages("/v1/workspaces", "workspaces").await?;
                Ok(shapes::WORKSPACE.of_all(&workspaces))
            }
            WorkspaceCall::Show { workspace } => {
                let id = self.workspace_id(workspace).await?;
                Ok(with_limits(&self.get(&format!("/v1/workspaces/{id}")).await?))
            }
            WorkspaceCall::Change { workspace, name, plan, limits, plan_limits } => {
                let id = self.workspace_id(workspace).await?;
                let path = format!("/v1/workspaces/{id}");
                let mut body = json!({});
                if let Some(name) = name {
                    body["name"] = json!(name);
                }
                if let Some(plan) = plan {
                    body["plan"] = json!(plan);
                }
                if plan_limits || limits != domain::OwnLimits::default() {
                    let before =
                        if plan_limits { json!({}) } else { self.get(&path).await?["own_limits"].take() };
                    body["limits"] = with(with(Value::Null, &before), &json!(limits));
                }
                Ok(with_limits(&self.send(Method::PATCH, &path, &body).await?))
            }
            WorkspaceCall::Close { workspace } => {
                self.end(&format!("/v1/workspaces/{workspace}"), json!({"workspace_id": workspace})).await
            }
            WorkspaceCall::Members { workspace } => {
                let id = self.workspace_id(workspace).await?;
                let answer = self.get(&format!("/v1/workspaces/{id}/members")).await?;
                Ok(shapes::MEMBER.of_all(answer["members"].as_array().map_or(&[], Vec::as_slice)))
            }
            WorkspaceCall::SetMember { workspace, who, role } => {
                let id = self.workspace_id(workspace).await?;
                let account = self.account_id(&who).await?;
                let path = format!("/v1/workspaces/{id}/members/{account}");
                Ok(shapes::MEMBER.of(&self.send(Method::PUT, &path, &json!({"role": role})).await?))
            }
            WorkspaceCall::RemoveMember { workspace, who } => {
                let id = self.workspace_id(workspace).await?;
                let account = self.account_id(&who).await?;
                self.delete(&format!("/v1/workspaces/{id}/members/{account}")).await?;
                Ok(json!({"account_id": account}))
            }
        }
    }

    /// The workspace that is named, or the only one.
    async fn workspace_id(&self, given: Option<WorkspaceId>) -> Result<String, CallError> {
        if let Some(id) = given {
            return Ok(id.to_string());
        }
        let workspaces = self.pages("/v1/workspaces", "workspaces").await?;
        match workspaces.as_slice() {
            [only] => Ok(only["workspace_id"].as_str().unwrap_or_default().to_owned()),
            _ => Err(CallError(
                "this instance has several workspaces: say which with --workspace; voxgate workspaces list shows them"
                    .to_owned(),
            )),
        }
    }

    /// The default project of a workspace, or of the token's own.
    pub(super) async fn default_project(&self, workspace: Option<WorkspaceId>) -> Result<Value, CallError> {
        let projects = self.get(&in_workspace("/v1/projects", workspace)).await?;
        let mut all = projects.as_array().into_iter().flatten();
        let default = all.find(|project| project["is_default"] == json!(true));
        default.map(|project| project["project_id"].clone()).ok_or_else(|| {
            CallError("the server names no default project: say which project with --project".to_owned())
        })
    }
}

/// A workspace as commands show it: of the limits of its own, only those that it has.
fn with_limits(workspace: &Value) -> Value {
    let mut shown = shapes::WORKSPACE_WITH_LIMITS.of(workspace);
    shown["own_limits"] = with(Value::Null, &workspace["own_limits"]);
    shown
}

/// What is given replaces what was before, the rest stays.
fn with(before: Value, given: &Value) -> Value {
    let mut limits = if before.is_object() { before } else { json!({}) };
    for (name, value) in given.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        limits[name.as_str()] = value.clone();
    }
    limits
}
