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
    tokens: Mutex<HashMap<ManagementTokenId, Timestamp>>,
}

impl LastUsed {
    pub(crate) fn note_api_key(&self, id: ApiKeyId, at: Timestamp) {
        note(&self.api_keys, id, at);
    }

    pub(crate) fn note_token(&self, id: ManagementTokenId, at: Timestamp) {
        note(&self.tokens, id, at);
    }

    /// Writes what was gathered. What can't be written is gathered again.
    pub(crate) async fn write(&self, store: &Store) -> Result<(), StoreError> {
        let api_keys = take(&self.api_keys);
        if !api_keys.is_empty()
            && let Err(error) = store.record_last_used(&api_keys).await
        {
            api_keys.into_iter().for_each(|(id, at)| self.note_api_key(id, at));
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

fn note<K: Eq + Hash>(gathered: &Mutex<HashMap<K, Timestamp>>, id: K, at: Timestamp) {
    let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = gathered.entry(id).or_insert(at);
    *newest = (*newest).max(at);
}

fn take<K: Eq + Hash>(gathered: &Mutex<HashMap<K, Timestamp>>) -> Vec<(K, Timestamp)> {
    std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
}
