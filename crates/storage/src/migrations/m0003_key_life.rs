//! What the life of keys needs: when an API key was imported, when temporary keys of it were used, and the keys of the
//! instance itself, sealed, so that they outlive a change of the master key.

use sea_orm_migration::prelude::*;

pub(super) struct KeyLife;

impl MigrationName for KeyLife {
    fn name(&self) -> &str {
        "m0003_key_life"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for KeyLife {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no two at once.
        for (table, column) in [
            ("api_keys", ColumnDef::new("imported_at").big_integer()),
            ("api_keys", ColumnDef::new("temporary_keys_last_used_at").big_integer()),
            ("instance", ColumnDef::new("sealed_keys").blob()),
        ] {
            let mut alter = Table::alter();
            alter.table(table).add_column(column.null());
            manager.alter_table(alter).await?;
        }
        // Keys that were made here are counted at each new one; a million imported ones must not be walked for it.
        let mut made_here = Index::create();
        made_here.name("api_keys_made_here").table("api_keys").col("project_id");
        made_here.and_where(Expr::col("imported_at").is_null());
        manager.create_index(made_here).await
    }
}
