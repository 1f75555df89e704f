//! Migrations, oldest first. A migration that was released is never edited; another one follows it.

mod m0001_first;
mod m0002_accounts;
mod m0003_key_life;
mod m0004_portal;
mod m0005_email_links;
mod m0006_factors;
mod m0007_invitations;
mod m0008_quotas;
mod m0009_webhooks;
mod m0010_shut_out_counts;
mod m0011_webhooks_and_client_refs;
mod m0012_usage_journals;

use sea_orm_migration::prelude::*;
use sql::Schema;

/// All migrations.
#[derive(Debug)]
pub(crate) struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::First),
            Box::new(m0002_accounts::Accounts),
            Box::new(m0003_key_life::KeyLife),
            Box::new(m0004_portal::Portal),
            Box::new(m0005_email_links::EmailLinks),
            Box::new(m0006_factors::Factors),
            Box::new(m0007_invitations::Invitations),
            Box::new(m0008_quotas::Quotas),
            Box::new(m0009_webhooks::Webhooks),
            Box::new(m0010_shut_out_counts::ShutOutCounts),
            Box::new(m0011_webhooks_and_client_refs::WebhooksAndClientRefs),
            Box::new(m0012_usage_journals::UsageJournals),
        ]
    }
}

impl Schema for Migrations {
    const MIN_READER: usize = 1;
}
