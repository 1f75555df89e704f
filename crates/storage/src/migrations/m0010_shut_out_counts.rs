//! What is shut out of a project is counted, and found by its project for that.

use sea_orm_migration::prelude::*;

pub(super) struct ShutOutCounts;

impl MigrationName for ShutOutCounts {
    fn name(&self) -> &str {
        "m0010_shut_out_counts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ShutOutCounts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::create();
        index.name("revoked_temporary_keys_project").table("revoked_temporary_keys");
        manager.create_index(index.col("project_id").col("forget_at").to_owned()).await
    }
}
