//! Running calls about workspaces and their members.

use control::{Actor, NewWorkspace, WorkspaceChange};
use domain::{OwnLimits, WorkspaceId};
use serde_json::{Value, json};

use super::{Operator, failed};
use crate::operator::{CallError, WorkspaceCall, views};

impl Operator {
    /// Runs a call about workspaces.
    pub(super) async fn workspaces(&self, call: WorkspaceCall) -> Result<Value, CallError> {
        let control = &self.control;
        match call {
            WorkspaceCall::Create { name, plan, home_area } => {
                let new = NewWorkspace { name, plan, home_area };
                let created = control.create_workspace(&Actor::OPERATOR, new).await.map_err(failed)?;
                let mut answer = views::workspace(&created.workspace);
                answer["default_project_id"] = json!(created.default_project.id);
                Ok(answer)
            }
            WorkspaceCall::List => {
                let workspaces = control.list_workspaces().await.map_err(failed)?;
                Ok(workspaces.iter().map(views::workspace).collect())
            }
            WorkspaceCall::Show { workspace } => {
                let id = self.workspace(workspace).await?.id;
                self.shown_workspace(id).await
            }
            WorkspaceCall::Change { workspace, name, plan, limits, plan_limits } => {
                let workspace = self.workspace(workspace).await?;
                let before = if plan_limits { OwnLimits::default() } else { workspace.own_limits };
                let own_limits = merged(before, limits);
                let own_limits = (own_limits != workspace.own_limits).then_some(own_limits);
                let change = WorkspaceChange { name, plan, own_limits, home_area: None };
                control.change_workspace(&Actor::OPERATOR, workspace.id, change).await.map_err(failed)?;
                self.shown_workspace(workspace.id).await
            }
            WorkspaceCall::Close { workspace } => {
                let revision = control.close_workspace(&Actor::OPERATOR, workspace).await.map_err(failed)?;
                Ok(self.enforced(json!({"workspace_id": workspace}), revision).await)
            }
            WorkspaceCall::Members { workspace } => {
                let id = self.workspace(workspace).await?.id;
                let members = control.list_members(id).await.map_err(failed)?;
                Ok(members.iter().map(|(account, role)| views::member(account, *role)).collect())
            }
            WorkspaceCall::SetMember { workspace, who, role } => {
                let workspace = self.workspace(workspace).await?.id;
                let account = self.account(&who).await?;
                control.set_member(&Actor::OPERATOR, workspace, account.id, role).await.map_err(failed)?;
                Ok(views::member(&account, role))
            }
            WorkspaceCall::RemoveMember { workspace, who } => {
                let workspace = self.workspace(workspace).await?.id;
                let account = self.account(&who).await?;
                control.remove_member(&Actor::OPERATOR, workspace, account.id).await.map_err(failed)?;
                Ok(json!({"account_id": account.id}))
            }
        }
    }

    async fn shown_workspace(&self, id: WorkspaceId) -> Result<Value, CallError> {
        let found = self.control.find_workspace_with_limits(id).await.map_err(failed)?;
        let (workspace, limits) =
            found.ok_or_else(|| CallError(format!("the workspace {id} was closed just now")))?;
        Ok(views::workspace_with_limits(&workspace, limits))
    }
}

/// Limits that are given replace those from before, the others stay.
fn merged(before: OwnLimits, given: OwnLimits) -> OwnLimits {
    OwnLimits {
        concurrent_sessions_max: given.concurrent_sessions_max.or(before.concurrent_sessions_max),
        creates_per_second_max: given.creates_per_second_max.or(before.creates_per_second_max),
        reads_per_second_max: given.reads_per_second_max.or(before.reads_per_second_max),
        mints_per_second_max: given.mints_per_second_max.or(before.mints_per_second_max),
        audio_seconds_per_month_max: given.audio_seconds_per_month_max.or(before.audio_seconds_per_month_max),
        enterprise: given.enterprise.or(before.enterprise),
    }
}
