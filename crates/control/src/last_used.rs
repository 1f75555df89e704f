//! When keys were last used: gathered in memory, written in batches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use domain::{ApiKeyId, ManagementTokenId, Timestamp};
use storage::{Store, StoreError};

/// What was used since the last batch.
#[derive(Debug, Default)]
pub(crate) struct LastUsed {
    api_keys: Mutex<HashMap<ApiKeyId, Timestamp>>,
    /// By their parents.
    temporary_keys: Mutex<HashMap<ApiKeyId, Timestamp>>,
    tokens: Mutex<HashMap<ManagementTokenId, Timestamp>>,
}

impl LastUsed {
    pub(crate) fn note_api_key(&self, id: ApiKeyId, at: Timestamp) {
        note(&self.api_keys, id, at);
    }

    /// A temporary key of this parent was used.
    pub(crate) fn note_temporary_key(&self, parent: ApiKeyId, at: Timestamp) {
        note(&self.temporary_keys, parent, at);
    }

    pub(crate) fn note_token(&self, id: ManagementTokenId, at: Timestamp) {
        note(&self.tokens, id, at);
    }

    /// How many wait for being written.
    pub(crate) fn waiting(&self) -> usize {
        count(&self.api_keys) + count(&self.temporary_keys) + count(&self.tokens)
    }

    /// Writes what was gathered. What can't be written is gathered again.
    pub(crate) async fn write(&self, store: &Store) -> Result<(), StoreError> {
        let (api_keys, temporary_keys) = (take(&self.api_keys), take(&self.temporary_keys));
        if !(api_keys.is_empty() && temporary_keys.is_empty())
            && let Err(error) = store.record_last_used(&api_keys, &temporary_keys).await
        {
            api_keys.into_iter().for_each(|(id, at)| self.note_api_key(id, at));
            temporary_keys.into_iter().for_each(|(id, at)| self.note_temporary_key(id, at));
            return Err(error);
        }
        let tokens = take(&self.tokens);
        if !tokens.is_empty()
            && let Err(error) = store.record_tokens_last_used(&tokens).await
        {
            tokens.into_iter().for_each(|(id, at)| self.note_token(id, at));
            return Err(error);
        }
        Ok(())
    }
}

fn count<K>(gathered: &Mutex<HashMap<K, Timestamp>>) -> usize {
    gathered.lock().unwrap_or_else(PoisonError::into_inner).len()
}

fn note<K: Eq + Hash>(gathered: &Mutex<HashMap<K, Timestamp>>, id: K, at: Timestamp) {
    let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = gathered.entry(id).or_insert(at);
    *newest = (*newest).max(at);
}

fn take<K: Eq + Hash>(gathered: &Mutex<HashMap<K, Timestamp>>) -> Vec<(K, Timestamp)> {
    std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
}
