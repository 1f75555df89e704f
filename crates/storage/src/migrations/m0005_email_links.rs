//! One-time links: by e-mail, or on the console. Only hashes of what opens them are stored.

use sea_orm_migration::prelude::*;

pub(super) struct EmailLinks;

impl MigrationName for EmailLinks {
    fn name(&self) -> &str {
        "m0005_email_links"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for EmailLinks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(email_links()).await?;
        let mut of_account = Index::create();
        of_account.name("email_links_account").table("email_links").col("account_id");
        manager.create_index(of_account).await?;
        let mut by_end = Index::create();
        by_end.name("email_links_end").table("email_links").col("expires_at");
        manager.create_index(by_end).await
    }
}

fn email_links() -> TableCreateStatement {
    Table::create()
        .table("email_links")
        .col(ColumnDef::new("hash").blob().not_null().primary_key())
        .col(ColumnDef::new("purpose").text().not_null())
        .col(ColumnDef::new("account_id").text().null())
        .col(ColumnDef::new("email").text().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .col(ColumnDef::new("used_at").big_integer().null())
        .to_owned()
}
