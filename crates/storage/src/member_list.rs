//! The members of a workspace as people look at them: page by page, and what each has made.

use std::collections::HashMap;

use domain::{Account, AccountId, Role, Timestamp, WorkspaceId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::accounts::{from_row, parse_membership};
use crate::api_keys::owned;
use crate::entities::api_key::Column as KeyColumn;
use crate::entities::{account, membership};
use crate::page::{self, ByAge};
use crate::rows::{At, time};
use crate::text_search::holds;
use crate::{Page, PageRequest, Store, StoreError};

/// A member of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: Account,
    /// What it is there.
    pub role: Role,
    /// Since when it belongs to the workspace.
    pub joined_at: Timestamp,
}

/// Accounts with this text in their address.
fn mentioned(text: &str) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(account::Column::Id)
        .from(account::Entity)
        .and_where(holds(account::Column::Email, text))
        .to_owned()
}

impl Store {
    /// A page of the members of a workspace, those who joined first at the front; or of those with this text in their
    /// address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn page_members(
        &self,
        workspace_id: WorkspaceId,
        text: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Member>, StoreError> {
        use membership::Column;
        let mut query = membership::Entity::find().filter(Column::WorkspaceId.eq(workspace_id.to_string()));
        if let Some(text) = text {
            query = query.filter(Column::AccountId.in_subquery(mentioned(text)));
        }
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::AccountId };
        let rows = by_age.narrow(query, page).all(self.db.read()).await?;
        let page =
            page::cut(rows, page, |row| (row.created_at, row.account_id.clone()), Ok::<_, StoreError>)?;
        let ids = page.items.iter().map(|row| row.account_id.as_str());
        let accounts =
            account::Entity::find().filter(account::Column::Id.is_in(ids)).all(self.db.read()).await?;
        let mut accounts: HashMap<_, _> = accounts.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut items = Vec::with_capacity(page.items.len());
        for row in page.items {
            // An account that was deleted between the two reads is no member any more.
            let Some(account) = accounts.remove(&row.account_id) else { continue };
            let (_, role) = parse_membership(&row)?;
            items.push(Member { account: from_row(account)?.account, role, joined_at: time(row.created_at) });
        }
        Ok(Page { items, next: page.next })
    }

    /// A member of a workspace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_member(
        &self,
        workspace_id: WorkspaceId,
        account_id: AccountId,
    ) -> Result<Option<Member>, StoreError> {
        let key = (workspace_id.to_string(), account_id.to_string());
        let Some(row) = membership::Entity::find_by_id(key).one(self.db.read()).await? else {
            return Ok(None);
        };
        let Some(account) = account::Entity::find_by_id(account_id.to_string()).one(self.db.read()).await?
        else {
            return Ok(None);
        };
        let (_, role) = parse_membership(&row)?;
        Ok(Some(Member { account: from_row(account)?.account, role, joined_at: time(row.created_at) }))
    }

    /// How many API keys of a workspace each of these accounts has made that are not revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_api_keys_of(
        &self,
        workspace_id: WorkspaceId,
        ids: &[AccountId],
    ) -> Result<HashMap<AccountId, u64>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, i64)> = owned(workspace_id)
            .select_only()
            .column(KeyColumn::CreatedBy)
            .column_as(Expr::col(KeyColumn::Id).count(), "keys")
            .filter(KeyColumn::CreatedBy.is_in(ids.iter().map(ToString::to_string)))
            .filter(KeyColumn::RevokedAt.is_null())
            .group_by(KeyColumn::CreatedBy)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let counted = |(id, keys): (String, i64)| {
            let at = At { table: "api_keys", row: &id };
            Ok((at.need("created_by", AccountId::parse(&id))?, keys.cast_unsigned()))
        };
        rows.into_iter().map(counted).collect()
    }
}
