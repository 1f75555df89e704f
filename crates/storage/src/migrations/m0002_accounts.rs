//! What operators manage: accounts that are disabled or operate the instance, and workspaces with limits of their own.

use sea_orm_migration::prelude::*;

pub(super) struct Accounts;

impl MigrationName for Accounts {
    fn name(&self) -> &str {
        "m0002_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Accounts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite adds no two at once.
        add(manager, "accounts", ColumnDef::new("disabled_at").big_integer().null()).await?;
        add(manager, "accounts", ColumnDef::new("is_operator").boolean().not_null().default(false)).await?;
        add(manager, "workspaces", ColumnDef::new("own_limits").text().not_null().default("{}")).await?;
        let mut by_age = Index::create();
        by_age.name("accounts_created").table("accounts").col("created_at").col("id");
        manager.create_index(by_age).await
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: &mut ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await
}
