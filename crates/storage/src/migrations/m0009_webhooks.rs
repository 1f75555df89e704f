//! Webhooks, and the messages that wait for them or have reached them.

use sea_orm_migration::prelude::*;

pub(super) struct Webhooks;

impl MigrationName for Webhooks {
    fn name(&self) -> &str {
        "m0009_webhooks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Webhooks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [webhooks(), messages(), expiries()] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in INDEXES {
            let mut index = Index::create();
            index.name(*name).table(*table);
            for column in *columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

const INDEXES: &[(&str, &str, &[&str])] = &[
    ("webhooks_workspace", "webhooks", &["workspace_id", "id"]),
    ("webhook_messages_due", "webhook_messages", &["next_try_at"]),
    ("webhook_messages_log", "webhook_messages", &["webhook_id", "id"]),
    ("webhook_messages_age", "webhook_messages", &["created_at"]),
    ("api_keys_expiry", "api_keys", &["expires_at"]),
];

fn needed(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).not_null().to_owned()
}

fn optional(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).null().to_owned()
}

fn webhooks() -> TableCreateStatement {
    Table::create()
        .table("webhooks")
        .col(needed("id").text().primary_key())
        .col(needed("workspace_id").text())
        .col(needed("url").text())
        .col(needed("events").text())
        .col(needed("sealed_secret").blob())
        .col(optional("sealed_former_secret").blob())
        .col(optional("former_until").big_integer())
        .col(needed("created_at").big_integer())
        .to_owned()
}

fn messages() -> TableCreateStatement {
    Table::create()
        .table("webhook_messages")
        .col(needed("id").text().primary_key())
        .col(needed("webhook_id").text())
        .col(needed("event").text())
        .col(needed("body").text())
        .col(needed("created_at").big_integer())
        .col(needed("state").text())
        .col(needed("attempts").big_integer())
        .col(optional("next_try_at").big_integer())
        .col(optional("tried_at").big_integer())
        .col(optional("status").big_integer())
        .col(optional("problem").text())
        .to_owned()
}

/// Up to when the expiry of API keys was told of.
fn expiries() -> TableCreateStatement {
    Table::create()
        .table("webhook_expiries")
        .col(needed("singleton").integer().primary_key())
        .col(needed("told_until").big_integer())
        .to_owned()
}
