//! What operators look through: all accounts and all workspaces.

use domain::Account;
use storage::{Page, PageRequest, StoreError, WorkspaceLimits};

use crate::Control;

impl Control {
    /// A page of all accounts with this text in their address or id, newest first. For operators.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search_accounts(
        &self,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Account>, StoreError> {
        self.inner.store.search_accounts(text, page).await
    }

    /// A page of the open workspaces with this text in their name or id, newest first, each with the limits that gateways
    /// were told. For operators.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search_workspaces(
        &self,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<WorkspaceLimits>, StoreError> {
        self.inner.store.search_workspaces(text, page).await
    }

    /// How many accounts there are, and how many open workspaces. For operators.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count_accounts_and_workspaces(&self) -> Result<(u64, u64), StoreError> {
        self.inner.store.count_accounts_and_workspaces().await
    }
}
