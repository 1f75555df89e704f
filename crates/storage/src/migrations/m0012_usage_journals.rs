//! Of each journal of usage the last batch that was counted is remembered, and no longer every one.

use sea_orm_migration::prelude::*;

pub(super) struct UsageJournals;

impl MigrationName for UsageJournals {
    fn name(&self) -> &str {
        "m0012_usage_journals"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for UsageJournals {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let counted = "DELETE FROM usage_batches WHERE number < \
                       (SELECT MAX(b.number) FROM usage_batches b WHERE b.gateway = usage_batches.gateway)";
        manager.get_connection().execute_unprepared(counted).await?;
        let mut journal = Index::create();
        journal.name("usage_batches_journal").table("usage_batches").unique();
        manager.create_index(journal.col("gateway").to_owned()).await
    }
}
