//! Ending all open sessions of an API key by the wish of whoever owns it. The key itself stays good.

use domain::link::SessionFilter;
use domain::{ApiKeyId, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::{Actor, Control};

/// Why the sessions of a key were not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionsError {
    /// No such key in this workspace.
    #[error("no such API key in this workspace: list the keys to see their ids")]
    KeyNotFound,
    /// The store failed, so that the log would not know of it.
    #[error("the end of the sessions could not be recorded, so none was ended")]
    Store(#[from] StoreError),
}

impl Control {
    /// Ends the open sessions of an API key and of what it minted; their clients are told the reason. Says how many there
    /// were. When this returns, nothing of them is forwarded any more.
    ///
    /// # Errors
    /// See [`EndSessionsError`].
    pub async fn end_sessions_of_key(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
        reason: &str,
    ) -> Result<usize, EndSessionsError> {
        if self.inner.store.find_api_key(workspace_id, id).await?.is_none() {
            return Err(EndSessionsError::KeyNotFound);
        }
        let gateways = self.gateways();
        let filter = SessionFilter { api_key_id: Some(id), ..SessionFilter::default() };
        let open = gateways.list_sessions(workspace_id, filter.clone()).await.sessions.len();
        if open == 0 {
            return Ok(0);
        }
        let action = AuditAction::SessionsEnded;
        let mut entry = self.inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, id);
        // The reason is not logged: it is free text for a person, and the log names nobody.
        entry.detail = format!("open sessions {open}");
        self.inner.publish(self.inner.store.change().await?, entry).await?;
        Ok(gateways.end_sessions(workspace_id, filter, reason).await)
    }
}
