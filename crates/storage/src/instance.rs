//! Which instance this is.

use domain::link::Change;
use domain::{InstanceId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::change::SINGLETON;
use crate::entities::instance;
use crate::rows::{At, time};
use crate::{ChangeTx, Store, StoreError};

/// The instance: made at first start and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The `iss` of its temporary keys.
    pub id: InstanceId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Something sealed under the master key, by which a wrong one is found out.
    pub sentinel: Vec<u8>,
    /// The instance's own keys, sealed under the master key; absent in databases of the first release.
    pub sealed_keys: Option<Vec<u8>>,
}

fn from_row(row: instance::Model) -> Result<Instance, StoreError> {
    let at = At { table: "instance", row: &row.singleton };
    Ok(Instance {
        id: at.need("id", InstanceId::parse(&row.id))?,
        created_at: time(row.created_at),
        sentinel: row.sentinel,
        sealed_keys: row.sealed_keys,
    })
}

impl Store {
    /// The instance; absent before the first start is complete.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_instance(&self) -> Result<Option<Instance>, StoreError> {
        find(self.db.read()).await
    }

    /// The instance's id alone, which every schema has had.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_instance_id(&self) -> Result<Option<InstanceId>, StoreError> {
        let id = instance::Entity::find_by_id(SINGLETON)
            .select_only()
            .column(instance::Column::Id)
            .into_tuple::<String>()
            .one(self.db.read())
            .await?;
        let at = At { table: "instance", row: &SINGLETON };
        id.map(|id| at.need("id", InstanceId::parse(&id))).transpose()
    }

    /// Notes how long temporary keys may live from now on, in seconds, where they never might live longer before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn raise_longest_ttl(&self, seconds: i64) -> Result<(), StoreError> {
        if longest_ttl_seconds(self.db.read()).await? >= seconds {
            return Ok(());
        }
        let tx = self.db.write().await?;
        instance::Entity::update_many()
            .col_expr(instance::Column::LongestTtlSeconds, Expr::value(seconds))
            .filter(instance::Column::LongestTtlSeconds.lt(seconds))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn find(connection: &impl ConnectionTrait) -> Result<Option<Instance>, StoreError> {
    let row = instance::Entity::find_by_id(SINGLETON).one(connection).await?;
    row.map(from_row).transpose()
}

async fn longest_ttl_seconds(connection: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let longest = instance::Entity::find_by_id(SINGLETON)
        .select_only()
        .column(instance::Column::LongestTtlSeconds)
        .into_tuple::<i64>()
        .one(connection)
        .await?;
    Ok(longest.unwrap_or(0))
}

impl ChangeTx {
    /// The longest that any temporary key may ever have lived, in seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn longest_ttl_seconds(&self) -> Result<i64, StoreError> {
        longest_ttl_seconds(&self.tx).await
    }

    /// The instance.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_instance(&self) -> Result<Option<Instance>, StoreError> {
        find(&self.tx).await
    }

    /// Keeps what is sealed under the master key, sealed anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal_instance(&mut self, sentinel: &[u8], sealed_keys: &[u8]) -> Result<(), StoreError> {
        instance::Entity::update_many()
            .col_expr(instance::Column::Sentinel, Expr::value(sentinel.to_vec()))
            .col_expr(instance::Column::SealedKeys, Expr::value(sealed_keys.to_vec()))
            .filter(instance::Column::Singleton.eq(SINGLETON))
            .exec(&self.tx)
            .await?;
        Ok(())
    }

    /// Makes the instance.
    ///
    /// # Errors
    /// When there is one already.
    pub async fn insert_instance(&mut self, new: &Instance) -> Result<(), StoreError> {
        let row = instance::Model {
            singleton: SINGLETON,
            id: new.id.to_string(),
            created_at: new.created_at.as_micros(),
            sentinel: new.sentinel.clone(),
            sealed_keys: new.sealed_keys.clone(),
            longest_ttl_seconds: 0,
            revision: self.revision_column(),
        };
        instance::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::Instance { id: new.id });
        Ok(())
    }
}
