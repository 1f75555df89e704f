//! A key that has leaked: ended with everything that it opened, and what it did since a moment.

use domain::link::{Revision, SessionFilter};
use domain::usage::{Day, UsageCounts, UsageGroup, UsageGroups, UsageKey, UsageQuery};
use domain::{ApiKeyId, Timestamp, WorkspaceId};
use storage::{AuditAction, AuditEvent, AuditFilter, StoreError};

use crate::{Actor, Control, RevokeKeyError, USAGE_ROWS_MAX};

/// Audit events of one kind that are told of a key.
pub const KEY_EVENTS_MAX: u64 = 500;

/// A leaked key that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedLeak {
    /// The revision that gateways must enforce.
    pub revision: Revision,
    /// How many sessions of it were open, and ended with it.
    pub ended_sessions: usize,
}

/// What a key did since a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyActivity {
    /// The first day that is summed up: the one in which the moment lies.
    pub since: Day,
    /// All together.
    pub total: UsageCounts,
    /// By day.
    pub by_day: Vec<(UsageKey, UsageCounts)>,
    /// By region and mode.
    pub by_place: Vec<(UsageKey, UsageCounts)>,
    /// By end user, those with the most requests and sessions first. `None` where there are too many to tell.
    pub by_client_ref: Option<Vec<(UsageKey, UsageCounts)>>,
    /// What was done to the key or with it, the oldest first, at most [`KEY_EVENTS_MAX`] of each.
    pub events: Vec<AuditEvent>,
}

impl Control {
    /// Revokes an API key that others have got hold of, with everything born of it. When this returns, the gateways of this
    /// process refuse it and have ended its sessions. The log says that it leaked.
    ///
    /// # Errors
    /// See [`RevokeKeyError`].
    pub async fn revoke_leaked_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<EndedLeak, RevokeKeyError> {
        let filter = SessionFilter { api_key_id: Some(id), ..SessionFilter::default() };
        let ended_sessions = self.gateways().list_sessions(workspace_id, filter).await.sessions.len();
        let now = self.now();
        let mut change = self.inner.store.change().await?;
        if change.find_api_key(workspace_id, id).await?.is_none() {
            return Err(RevokeKeyError::NotFound);
        }
        if !change.revoke_api_key(workspace_id, id, now).await? {
            return Err(RevokeKeyError::AlreadyRevoked);
        }
        let action = AuditAction::ApiKeyRevoked;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, id);
        entry.detail = format!("leaked, open sessions {ended_sessions}");
        let revision = self.inner.publish(change, entry).await?;
        Ok(EndedLeak { revision, ended_sessions })
    }

    /// What an API key and its temporary keys did since a moment. `None` where the workspace has no such key. Usage is
    /// told in whole days.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key_activity(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        since: Timestamp,
    ) -> Result<Option<KeyActivity>, StoreError> {
        if self.inner.store.find_api_key(workspace_id, id).await?.is_none() {
            return Ok(None);
        }
        let first = Day::of(since);
        let query = UsageQuery {
            workspace_id,
            since: first,
            until: Day::of(self.now()).max(first),
            project_id: None,
            api_key_id: Some(id),
            client_ref: None,
            region: None,
            groups: UsageGroups::EMPTY,
        };
        let sum = async |groups: &[UsageGroup]| {
            let query = UsageQuery { groups: groups.iter().copied().collect(), ..query.clone() };
            self.inner.store.sum_usage(&query, USAGE_ROWS_MAX).await
        };
        let by_day = sum(&[UsageGroup::Day]).await?;
        let by_place = sum(&[UsageGroup::Region, UsageGroup::Mode]).await?;
        let mut by_client_ref = sum(&[UsageGroup::ClientRef]).await?;
        by_client_ref
            .sort_by_key(|(_, counts)| std::cmp::Reverse(counts.requests.saturating_add(counts.sessions)));
        let total = by_day.iter().fold(UsageCounts::default(), |total, (_, counts)| total.plus(*counts));
        Ok(Some(KeyActivity {
            since: first,
            total,
            by_day,
            by_place,
            by_client_ref: Some(by_client_ref).filter(|rows| rows.len() as u64 <= USAGE_ROWS_MAX),
            events: self.events_about_key(workspace_id, id, since).await?,
        }))
    }

    /// What was done to a key, and what was done with it, in the order of the log.
    async fn events_about_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        since: Timestamp,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let all =
            AuditFilter { workspace_id: Some(workspace_id), since: Some(since), ..AuditFilter::default() };
        let to_it = AuditFilter { subject: Some(id.to_string()), ..all.clone() };
        let by_it = AuditFilter { actor: Some(self.audit_pseudonym(&id.to_string())), ..all };
        let mut events = self.inner.store.find_audit_events(&to_it, 0, KEY_EVENTS_MAX).await?;
        events.extend(self.inner.store.find_audit_events(&by_it, 0, KEY_EVENTS_MAX).await?);
        events.sort_by_key(|event| event.sequence);
        events.dedup_by_key(|event| event.sequence);
        Ok(events)
    }
}
