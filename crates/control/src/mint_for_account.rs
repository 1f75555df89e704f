//! Minting a temporary key for a person who has no API key's secret: from one of the workspace's keys, named by its id.

use std::net::IpAddr;

use domain::{ApiKeyId, Refusal, WorkspaceId};
use storage::{AuditAction, StoreError};

use crate::{Actor, Control, MintRequest, Minted};

/// Why no temporary key was minted for a person.
#[derive(Debug, thiserror::Error)]
pub enum MintForAccountError {
    /// The API key is none of this workspace, has ended, or may not mint this.
    #[error("{0}")]
    Refused(Refusal),
    /// The store failed, so that the log would not know of it.
    #[error("the mint could not be recorded, so the temporary key was not given out")]
    Store(#[from] StoreError),
}

impl Control {
    /// Mints a temporary key from an API key of a workspace for a person who may act for it. The rules are those of
    /// [`Control::mint`], the networks of the API key among them; other than there, the log has it before the key is given out.
    ///
    /// # Errors
    /// See [`MintForAccountError`].
    pub async fn mint_for_account(
        &self,
        actor: &Actor,
        peer: IpAddr,
        workspace_id: WorkspaceId,
        api_key_id: ApiKeyId,
        request: &MintRequest,
    ) -> Result<Minted, MintForAccountError> {
        let now = self.now();
        let parent = self.inner.tables.mint_rights_of(workspace_id, api_key_id, peer, now);
        let parent = parent.map_err(MintForAccountError::Refused)?;
        let minted = self.mint(&parent, request).map_err(MintForAccountError::Refused)?;
        let action = AuditAction::TemporaryKeyMinted;
        let mut entry = self.inner.pseudonyms.entry(now, actor, Some(workspace_id), action, minted.id);
        // Without the client_ref: it may name a person.
        entry.detail = format!(
            "project {}, product {}, expires {}",
            parent.project_id(),
            request.product,
            minted.expires_at
        );
        self.inner.publish(self.inner.store.change().await?, entry).await?;
        Ok(minted)
    }
}
