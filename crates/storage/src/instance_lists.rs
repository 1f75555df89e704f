//! Lists of the whole instance, as its operators look through them.

use domain::Account;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

use crate::accounts;
use crate::entities::{account, workspace};
use crate::page::{self, ByAge};
use crate::text_search::holds;
use crate::workspaces;
use crate::{Page, PageRequest, Store, StoreError, WorkspaceLimits};

impl Store {
    /// A page of all accounts with this text in their address or id, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search_accounts(
        &self,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Account>, StoreError> {
        use account::Column;
        let mentions =
            text.map(|text| Condition::any().add(holds(Column::Email, text)).add(holds(Column::Id, text)));
        let query = account::Entity::find().filter(Condition::all().add_option(mentions));
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow_newest_first(query, page).all(self.db.read()).await?;
        page::cut(
            rows,
            page,
            |row| (row.created_at, row.id.clone()),
            |row| accounts::from_row(row).map(|stored| stored.account),
        )
    }

    /// A page of the workspaces that are not closed, with this text in their name or id; newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search_workspaces(
        &self,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<WorkspaceLimits>, StoreError> {
        use workspace::Column;
        let mentions =
            text.map(|text| Condition::any().add(holds(Column::Name, text)).add(holds(Column::Id, text)));
        let query = workspace::Entity::find()
            .filter(Column::ClosedAt.is_null())
            .filter(Condition::all().add_option(mentions));
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow_newest_first(query, page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), workspaces::with_limits)
    }

    /// How many accounts there are, and how many workspaces that are not closed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_accounts_and_workspaces(&self) -> Result<(u64, u64), StoreError> {
        let accounts = account::Entity::find().count(self.db.read()).await?;
        let open = workspace::Entity::find().filter(workspace::Column::ClosedAt.is_null());
        Ok((accounts, open.count(self.db.read()).await?))
    }
}
