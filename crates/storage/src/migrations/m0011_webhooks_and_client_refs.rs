//! Messages whose time has come are found with whom they are for, so that passing over those of busy webhooks reads none of them; and
//! client_refs that were let in again are forgotten; and the instance knows how long temporary keys may ever have lived.

use sea_orm_migration::prelude::*;

pub(super) struct WebhooksAndClientRefs;

impl MigrationName for WebhooksAndClientRefs {
    fn name(&self) -> &str {
        "m0011_webhooks_and_client_refs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for WebhooksAndClientRefs {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("webhook_messages_due").to_owned()).await?;
        let mut due = Index::create();
        due.name("webhook_messages_due").table("webhook_messages");
        manager.create_index(due.col("next_try_at").col("id").col("webhook_id").to_owned()).await?;
        let forget_at = ColumnDef::new("forget_at").big_integer().null().to_owned();
        let mut client_refs = Table::alter();
        manager.alter_table(client_refs.table("client_refs").add_column(forget_at).to_owned()).await?;
        let mut forget = Index::create();
        forget.name("client_refs_forget").table("client_refs");
        manager.create_index(forget.col("forget_at").to_owned()).await?;
        let longest = ColumnDef::new("longest_ttl_seconds").big_integer().not_null().default(0).to_owned();
        manager.alter_table(Table::alter().table("instance").add_column(longest).to_owned()).await
    }
}
