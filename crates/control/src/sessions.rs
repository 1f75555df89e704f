//! Ending one open session by the wish of whoever owns it.

use domain::link::SessionInfo;
use domain::{SessionId, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::{Actor, Control};

/// Why a session was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// No such session is open in this workspace.
    #[error("no such session is open in this workspace: list the sessions to see those that are")]
    NotFound,
    /// The store failed, so that the log would not know of it.
    #[error("the end of the session could not be recorded, so it was not ended")]
    Store(#[from] StoreError),
}

impl Control {
    /// Ends an open session; its client is told the reason. When this returns, nothing of it is forwarded any more.
    ///
    /// # Errors
    /// See [`EndSessionError`].
    pub async fn end_session(
        &self,
        actor: &Actor,
        workspace_id: WorkspaceId,
        session_id: SessionId,
        reason: &str,
    ) -> Result<SessionInfo, EndSessionError> {
        let gateways = self.gateways();
        let found = gateways.find_session(workspace_id, session_id).await.ok_or(EndSessionError::NotFound)?;
        let action = AuditAction::SessionEnded;
        let mut entry =
            self.inner.pseudonyms.entry(self.now(), actor, Some(workspace_id), action, session_id);
        // The reason is not logged: it is free text for a person, and the log names nobody.
        let session = &found.info;
        entry.detail = format!("API key {} of project {}", session.api_key_id, session.project_id);
        self.inner.publish(self.inner.store.change().await?, entry).await?;
        // One that has ended by itself meanwhile is as good.
        Ok(gateways.end_session(found, reason).await)
    }
}
