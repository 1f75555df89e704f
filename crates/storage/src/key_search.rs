//! API keys as people look for them: by what they remember of one, the newest first, with whoever made them.

use std::collections::HashMap;

use domain::{AccountId, ApiKey, ApiKeyId, ProjectId, SecretHash, Timestamp, WorkspaceId};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use crate::api_keys::{TABLE, from_row, owned};
use crate::entities::api_key::Column;
use crate::entities::{account, membership};
use crate::page::{self, ByAge};
use crate::rows::At;
use crate::text_search::holds;
use crate::{Page, PageRequest, Store, StoreError};

/// Whether a key still opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLife {
    /// It is neither revoked nor expired.
    Usable,
    /// It is revoked or expired.
    Ended,
}

/// Which API keys to look for; what is left out doesn't narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySearch {
    /// Only those of this project.
    pub project_id: Option<ProjectId>,
    /// Only those with this text in their name, hint or id. Letter case of ASCII doesn't matter. Without control
    /// characters: databases differ in how they take them.
    pub text: Option<String>,
    /// Only those that still open something, or don't.
    pub life: Option<KeyLife>,
}

impl KeySearch {
    fn condition(&self, now: Timestamp) -> Condition {
        Condition::all()
            .add_option(self.project_id.map(|id| Column::ProjectId.eq(id.get())))
            .add_option(self.text.as_deref().map(mentions))
            .add_option(self.life.map(|life| lives(life, now)))
    }
}

fn lives(life: KeyLife, now: Timestamp) -> Condition {
    match life {
        KeyLife::Usable => Condition::all().add(Column::RevokedAt.is_null()).add(
            Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now.as_micros())),
        ),
        KeyLife::Ended => {
            Condition::any().add(Column::RevokedAt.is_not_null()).add(Column::ExpiresAt.lte(now.as_micros()))
        }
    }
}

/// Rows with this text in their name, hint or id.
fn mentions(text: &str) -> Condition {
    let columns = [Column::Name, Column::Hint, Column::Id];
    columns.into_iter().fold(Condition::any(), |condition, column| condition.add(holds(column, text)))
}

impl Store {
    /// A page of the API keys of a workspace that a search finds, revoked ones included; the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn search_api_keys(
        &self,
        workspace_id: WorkspaceId,
        search: &KeySearch,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<ApiKey>, StoreError> {
        let query = owned(workspace_id).filter(search.condition(now));
        let by_age = ByAge { created_at: Column::CreatedAt, id: Column::Id };
        let rows = by_age.narrow_newest_first(query, page).all(self.db.read()).await?;
        page::cut(rows, page, |row| (row.created_at, row.id.clone()), from_row)
    }

    /// The API key of a workspace with this secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_api_key_by_hash(
        &self,
        workspace_id: WorkspaceId,
        hash: SecretHash,
    ) -> Result<Option<ApiKey>, StoreError> {
        let found = owned(workspace_id).filter(Column::Hash.eq(hash.as_bytes().to_vec()));
        found.one(self.db.read()).await?.map(from_row).transpose()
    }

    /// Which of these API keys of a workspace have a successor, and which one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn successors_of_api_keys(
        &self,
        workspace_id: WorkspaceId,
        ids: &[ApiKeyId],
    ) -> Result<HashMap<ApiKeyId, ApiKeyId>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(Option<String>, String)> = owned(workspace_id)
            .select_only()
            .column(Column::RotatedFrom)
            .column(Column::Id)
            .filter(Column::RotatedFrom.is_in(ids.iter().map(ToString::to_string)))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let mut successors = HashMap::with_capacity(rows.len());
        for (old, new) in rows {
            let at = At { table: TABLE, row: &new };
            let Some(old) = at.maybe("rotated_from", old.as_deref(), ApiKeyId::parse)? else { continue };
            successors.insert(old, at.need("id", ApiKeyId::parse(&new))?);
        }
        Ok(successors)
    }

    /// The names of those of these API keys that a workspace has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names_of_api_keys(
        &self,
        workspace_id: WorkspaceId,
        ids: &[ApiKeyId],
    ) -> Result<HashMap<ApiKeyId, String>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(String, String)> = owned(workspace_id)
            .select_only()
            .column(Column::Id)
            .column(Column::Name)
            .filter(Column::Id.is_in(ids.iter().map(ToString::to_string)))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let named = |(id, name): (String, String)| {
            let at = At { table: TABLE, row: &id };
            Ok((at.need("id", ApiKeyId::parse(&id))?, name))
        };
        rows.into_iter().map(named).collect()
    }

    /// The addresses of those of these accounts that are members of a workspace. Whoever left is nobody there any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn emails_of_members(
        &self,
        workspace_id: WorkspaceId,
        ids: &[AccountId],
    ) -> Result<HashMap<AccountId, String>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let members = Query::select()
            .column(membership::Column::AccountId)
            .from(membership::Entity)
            .and_where(membership::Column::WorkspaceId.eq(workspace_id.to_string()))
            .to_owned();
        let rows: Vec<(String, String)> = account::Entity::find()
            .select_only()
            .column(account::Column::Id)
            .column(account::Column::Email)
            .filter(account::Column::Id.is_in(ids.iter().map(ToString::to_string)))
            .filter(account::Column::Id.in_subquery(members))
            .into_tuple()
            .all(self.db.read())
            .await?;
        let named = |(id, email): (String, String)| {
            let at = At { table: "accounts", row: &id };
            Ok((at.need("id", AccountId::parse(&id))?, email))
        };
        rows.into_iter().map(named).collect()
    }
}
