//! Quotas on audio, and refusals by their reasons.

use sea_orm_migration::prelude::*;

pub(super) struct Quotas;

impl MigrationName for Quotas {
    fn name(&self) -> &str {
        "m0008_quotas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Quotas {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(quotas()).await?;
        manager.create_table(usage_refusals()).await
    }
}

fn needed(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).not_null().to_owned()
}

fn quotas() -> TableCreateStatement {
    Table::create()
        .table("quotas")
        .col(needed("project_id").big_integer())
        .col(needed("kind").text())
        .col(needed("name").text())
        .col(needed("audio_seconds_per_month_max").big_integer())
        .col(needed("set_at").big_integer())
        .col(needed("revision").big_integer())
        .primary_key(Index::create().col("project_id").col("kind").col("name"))
        .to_owned()
}

fn usage_refusals() -> TableCreateStatement {
    Table::create()
        .table("usage_refusals")
        .col(needed("day").big_integer())
        .col(needed("project_id").big_integer())
        .col(needed("api_key_id").text())
        .col(needed("client_ref").text())
        .col(needed("region").text())
        .col(needed("product").text())
        .col(needed("reason").text())
        .col(needed("refusals").big_integer())
        .primary_key(
            Index::create()
                .col("day")
                .col("project_id")
                .col("api_key_id")
                .col("client_ref")
                .col("region")
                .col("product")
                .col("reason"),
        )
        .to_owned()
}
