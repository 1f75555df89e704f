//! Quotas on audio: set for a project, an API key or end users, and what is used of them. A workspace's own is among its limits.

use domain::limits::QUOTAS_PER_WORKSPACE_MAX;
use domain::link::Revision;
use domain::{Month, PlanLimits, ProjectId, QuotaScope, WorkspaceId};
use storage::{AuditAction, AuditEntry, Quota, StoreError};

use crate::{Actor, Control};

/// What a workspace may use in this month, and has.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioQuotas {
    /// The month, of UTC. A new one begins with nothing used.
    pub month: Month,
    /// Audio of the whole workspace in a month, in seconds; `None` doesn't limit.
    pub workspace_audio_seconds_max: Option<u32>,
    /// Audio of the whole workspace in this month, in seconds.
    pub workspace_audio_seconds_used: f64,
    /// The quotas of its projects.
    pub quotas: Vec<QuotaStanding>,
}

/// A quota, and what is used of it.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaStanding {
    /// The quota.
    pub quota: Quota,
    /// Audio in this month, also from before it was set, in seconds; `None` where it is set for each of many.
    pub audio_seconds_used: Option<f64>,
}

/// Why a quota was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetQuotaError {
    /// No such project in this workspace.
    #[error("no such project in this workspace: list the projects to see their ids")]
    ProjectNotFound,
    /// No such API key in this project.
    #[error("no such API key in this project: list its API keys to see their ids")]
    KeyNotFound,
    /// The workspace has as many as it may.
    #[error("this workspace has {QUOTAS_PER_WORKSPACE_MAX} quotas, as many as it may: remove one first")]
    TooMany,
    /// The store failed.
    #[error("the quota could not be stored")]
    Store(#[from] StoreError),
}

/// Why a quota was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveQuotaError {
    /// There is none.
    #[error("there is no such quota in this workspace: list the quotas to see those that are")]
    NotFound,
    /// The store failed.
    #[error("the end of the quota could not be stored")]
    Store(#[from] StoreError),
}

impl Control {
    /// The quotas of a workspace, and what is used of them in this month. Gateways tell what they counted four times a second.
    /// `None` where there is no such workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audio_quotas(&self, workspace_id: WorkspaceId) -> Result<Option<AudioQuotas>, StoreError> {
        let store = &self.inner.store;
        let Some((_, limits)) = store.find_workspace_with_limits(workspace_id).await? else {
            return Ok(None);
        };
        let PlanLimits { audio_seconds_per_month_max, .. } = limits;
        let month = Month::of(self.now());
        let quotas = store.list_quotas(workspace_id).await?;
        let audio = store.month_audio(workspace_id, month, &quotas).await?;
        let standing = |quota: Quota| {
            let audio_seconds_used = audio.of(&quota).map(seconds);
            QuotaStanding { quota, audio_seconds_used }
        };
        Ok(Some(AudioQuotas {
            month,
            workspace_audio_seconds_max: audio_seconds_per_month_max,
            workspace_audio_seconds_used: seconds(audio.workspace_millis),
            quotas: quotas.into_iter().map(standing).collect(),
        }))
    }

    /// Sets a quota, in place of the one that there is. It counts what is used from then on; sessions that are open and had none
    /// there are not held to it. When this returns, the gateways of this process enforce it.
    ///
    /// # Errors
    /// See [`SetQuotaError`].
    pub async fn set_audio_quota(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        scope: QuotaScope,
        audio_seconds_per_month_max: u32,
    ) -> Result<Revision, SetQuotaError> {
        let mut change = self.inner.store.change().await?;
        if change.find_project(workspace_id, project_id).await?.is_none() {
            return Err(SetQuotaError::ProjectNotFound);
        }
        if let QuotaScope::ApiKey(id) = &scope
            && !change.has_api_key(project_id, *id).await?
        {
            return Err(SetQuotaError::KeyNotFound);
        }
        let is_new = !change.remove_quota(project_id, &scope).await?;
        if is_new && change.count_quotas(workspace_id).await? >= u64::from(QUOTAS_PER_WORKSPACE_MAX) {
            return Err(SetQuotaError::TooMany);
        }
        let mut entry = self.quota_entry(actor, workspace_id, AuditAction::QuotaSet, project_id, &scope);
        entry.detail.push_str(&format!(", {audio_seconds_per_month_max} seconds of audio a month"));
        let quota = Quota { project_id, scope, audio_seconds_per_month_max, set_at: self.now() };
        change.set_quota(&quota).await?;
        Ok(self.inner.publish(change, entry).await?)
    }

    /// Takes a quota away.
    ///
    /// # Errors
    /// See [`RemoveQuotaError`].
    pub async fn remove_audio_quota(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        project_id: ProjectId,
        scope: &QuotaScope,
    ) -> Result<Revision, RemoveQuotaError> {
        let mut change = self.inner.store.change().await?;
        let is_ours = change.find_project(workspace_id, project_id).await?.is_some();
        if !is_ours || !change.remove_quota(project_id, scope).await? {
            return Err(RemoveQuotaError::NotFound);
        }
        let entry = self.quota_entry(actor, workspace_id, AuditAction::QuotaRemoved, project_id, scope);
        Ok(self.inner.publish(change, entry).await?)
    }

    /// A client_ref may name a person, so the log holds its pseudonym.
    fn quota_entry(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        action: AuditAction,
        project_id: ProjectId,
        scope: &QuotaScope,
    ) -> AuditEntry {
        let pseudonyms = &self.inner.pseudonyms;
        let (subject, name) = match scope {
            QuotaScope::Project => (project_id.to_string(), None),
            QuotaScope::EachClientRef => (format!("each client_ref of {project_id}"), None),
            QuotaScope::ApiKey(id) => (id.to_string(), None),
            QuotaScope::ClientRef(client_ref) => {
                (pseudonyms.of_client_ref(project_id, client_ref), Some(client_ref.to_string()))
            }
        };
        let mut entry = pseudonyms.entry(self.now(), actor, Some(workspace_id), action, &subject);
        entry.names.extend(name.map(|name| (subject, name)));
        entry.detail = format!("project {project_id}");
        entry
    }
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "exact for the first 285,000 years")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
