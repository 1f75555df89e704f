//! Forgetting an end user: the right that data protection gives them.

use domain::{ClientRef, ProjectId, QuotaScope, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::{Actor, Control};

/// Why an end user was not forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    ProjectNotFound,
    /// The store failed; nothing was forgotten.
    #[error("the client_ref could not be forgotten")]
    Store(#[from] StoreError),
}

/// What was forgotten of an end user, and what has to stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// The projects that were looked at, deleted ones among them.
    pub projects: Vec<ProjectId>,
    /// Lines of usage that name nobody any more; the sums are the same.
    pub usage_lines: u64,
    /// Quotas that were set for it.
    pub quotas: u64,
    /// Messages for webhooks, sent or waiting, that name it no more.
    pub webhook_messages: u64,
    /// Names behind pseudonyms of the audit log.
    pub audit_names: u64,
    /// Projects that the client_ref is shut out of: they keep it, or it would be let in again.
    pub shut_out_of: Vec<ProjectId>,
    /// API keys that are isolated to it and alive: they keep it.
    pub api_keys: u64,
}

impl Control {
    /// Forgets an end user in one project, or in every project of a workspace. What is done under the client_ref later on is
    /// counted under it again, so it should be shut out before.
    ///
    /// # Errors
    /// See [`ForgetError`].
    pub async fn forget_client_ref(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: Option<ProjectId>,
        client_ref: &ClientRef,
    ) -> Result<Forgotten, ForgetError> {
        let mut change = self.inner.store.change().await?;
        let mut projects = change.list_project_ids(workspace_id).await?;
        projects.retain(|id| project_id.is_none_or(|wanted| wanted == *id));
        if projects.is_empty() {
            return Err(ForgetError::ProjectNotFound);
        }
        let pseudonyms = &self.inner.pseudonyms;
        let mut forgotten = Forgotten::default();
        for id in &projects {
            forgotten.usage_lines += change.forget_usage(*id, client_ref).await?;
            forgotten.webhook_messages += change.forget_in_messages(workspace_id, *id, client_ref).await?;
            let quota = QuotaScope::ClientRef(client_ref.clone());
            forgotten.quotas += u64::from(change.remove_quota(*id, &quota).await?);
            let pseudonym = pseudonyms.of_client_ref(*id, client_ref);
            forgotten.audit_names += u64::from(change.forget_audit_name(&pseudonym).await?);
            if change.find_client_ref(*id, client_ref).await?.is_some_and(|state| !state.readmitted) {
                forgotten.shut_out_of.push(*id);
            }
            forgotten.api_keys += change.count_isolated_keys(*id, client_ref).await?;
        }
        forgotten.projects = projects;
        // The subject is a pseudonym of this event alone, behind which no name stands.
        let subject = pseudonyms.of_forgotten(workspace_id, client_ref);
        let action = AuditAction::ClientRefForgotten;
        let mut entry = pseudonyms.entry(self.now(), actor, Some(workspace_id), action, subject);
        entry.detail = format!(
            "{} lines of usage, {} names, {} messages for webhooks",
            forgotten.usage_lines, forgotten.audit_names, forgotten.webhook_messages
        );
        self.inner.publish(change, entry).await?;
        Ok(forgotten)
    }
}
