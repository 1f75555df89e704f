//! API keys as people look for them: found by what they remember of one, and told how each stands.

use credentials::hash_secret;
use domain::{ApiKey, ApiKeyId, Timestamp, WorkspaceId};
use storage::{KeySearch, Page, PageRequest, StoreError};

use crate::{Control, ListKeysError};

/// How long before its end a key is said to expire soon, in seconds: 7 days.
pub const EXPIRES_SOON_SECONDS: i64 = 7 * 24 * 3600;

/// How a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStanding {
    /// It may be used.
    Active,
    /// It may be used, but not for long.
    ExpiresSoon {
        /// From when on it is refused.
        at: Timestamp,
    },
    /// It has a successor, and may be used until their overlap ends.
    RotatingOut {
        /// From when on it is refused.
        at: Timestamp,
        /// Its successor.
        successor: ApiKeyId,
    },
    /// It is refused.
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// It is refused for good.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

impl KeyStanding {
    fn of(key: &ApiKey, successor: Option<ApiKeyId>, now: Timestamp) -> Self {
        if let Some(at) = key.state.revoked_at() {
            return Self::Revoked { at };
        }
        let Some(at) = key.expires_at else { return Self::Active };
        if at <= now {
            return Self::Expired { at };
        }
        if let Some(successor) = successor {
            return Self::RotatingOut { at, successor };
        }
        if at <= now.plus_seconds(EXPIRES_SOON_SECONDS) { Self::ExpiresSoon { at } } else { Self::Active }
    }

    /// Whether it still opens anything.
    pub const fn is_usable(self) -> bool {
        match self {
            Self::Active | Self::ExpiresSoon { .. } | Self::RotatingOut { .. } => true,
            Self::Expired { .. } | Self::Revoked { .. } => false,
        }
    }
}

/// Who made a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaker {
    /// A member of the workspace, by address.
    Member(String),
    /// An account that is no member any more.
    FormerMember,
    /// No account: a management token, or whoever runs the instance.
    NoAccount,
    /// It was made elsewhere and imported.
    Import,
}

/// A key with what a list says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// The key.
    pub key: ApiKey,
    /// How it stands.
    pub standing: KeyStanding,
    /// Who made it.
    pub maker: KeyMaker,
}

impl Control {
    /// A page of the API keys of a workspace that a search finds, revoked ones included; the newest first.
    ///
    /// # Errors
    /// When the project is none of this workspace.
    pub async fn search_keys(
        &self,
        workspace_id: WorkspaceId,
        search: &KeySearch,
        page: &PageRequest,
    ) -> Result<Page<ListedKey>, ListKeysError> {
        let store = &self.inner.store;
        if let Some(project_id) = search.project_id
            && store.find_project(workspace_id, project_id).await?.is_none()
        {
            return Err(ListKeysError::ProjectNotFound);
        }
        let found = store.search_api_keys(workspace_id, search, self.now(), page).await?;
        let items = self.listed(workspace_id, found.items).await?;
        Ok(Page { items, next: found.next })
    }

    /// One API key of a workspace, with what a list says of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn show_key(
        &self,
        workspace_id: WorkspaceId,
        id: ApiKeyId,
    ) -> Result<Option<ListedKey>, StoreError> {
        let Some(key) = self.inner.store.find_api_key(workspace_id, id).await? else { return Ok(None) };
        Ok(self.listed(workspace_id, vec![key]).await?.pop())
    }

    /// The API key of a workspace with this secret, or the one that minted this temporary key: for whoever has found either
    /// and doesn't know whose it is. Whether it still works doesn't matter.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find_key_by_secret(
        &self,
        workspace_id: WorkspaceId,
        secret: &str,
    ) -> Result<Option<ApiKeyId>, StoreError> {
        let store = &self.inner.store;
        let found = match self.temporary_key_id(secret) {
            Some(temporary) => store.find_api_key(workspace_id, temporary.parent()).await?,
            None => store.find_api_key_by_hash(workspace_id, hash_secret(secret)).await?,
        };
        Ok(found.map(|key| key.id))
    }

    /// The names of those of these API keys that a workspace has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn key_names(
        &self,
        workspace_id: WorkspaceId,
        ids: &[ApiKeyId],
    ) -> Result<std::collections::HashMap<ApiKeyId, String>, StoreError> {
        self.inner.store.names_of_api_keys(workspace_id, ids).await
    }

    async fn listed(
        &self,
        workspace_id: WorkspaceId,
        keys: Vec<ApiKey>,
    ) -> Result<Vec<ListedKey>, StoreError> {
        let now = self.now();
        // Whatever has a successor has an end too.
        let ending: Vec<ApiKeyId> =
            keys.iter().filter(|key| key.expires_at.is_some_and(|at| at > now)).map(|key| key.id).collect();
        let successors = self.inner.store.successors_of_api_keys(workspace_id, &ending).await?;
        let mut makers: Vec<_> = keys.iter().filter_map(|key| key.created_by).collect();
        makers.sort();
        makers.dedup();
        let emails = self.inner.store.emails_of_members(workspace_id, &makers).await?;
        let listed = |key: ApiKey| {
            let standing = KeyStanding::of(&key, successors.get(&key.id).copied(), now);
            let maker = match key.created_by {
                Some(id) => emails.get(&id).cloned().map_or(KeyMaker::FormerMember, KeyMaker::Member),
                None if key.imported_at.is_some() => KeyMaker::Import,
                None => KeyMaker::NoAccount,
            };
            ListedKey { key, standing, maker }
        };
        Ok(keys.into_iter().map(listed).collect())
    }
}
