//! Which instance this is.

use domain::link::Change;
use domain::{InstanceId, Timestamp};
use sea_orm::{EntityTrait, IntoActiveModel};

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
}

fn from_row(row: instance::Model) -> Result<Instance, StoreError> {
    let at = At { table: "instance", row: &row.singleton };
    Ok(Instance {
        id: at.need("id", InstanceId::parse(&row.id))?,
        created_at: time(row.created_at),
        sentinel: row.sentinel,
    })
}

impl Store {
    /// The instance; absent before the first start is complete.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_instance(&self) -> Result<Option<Instance>, StoreError> {
        let row = instance::Entity::find_by_id(SINGLETON).one(self.db.read()).await?;
        row.map(from_row).transpose()
    }
}

impl ChangeTx {
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
            revision: self.revision_column(),
        };
        instance::Entity::insert(row.into_active_model()).exec_without_returning(&self.tx).await?;
        self.note(Change::Instance { id: new.id });
        Ok(())
    }
}
