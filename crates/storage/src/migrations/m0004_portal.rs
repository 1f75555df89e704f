//! What the portal needs: who is signed in where, and where an audit event came from.

use sea_orm_migration::prelude::*;

pub(super) struct Portal;

impl MigrationName for Portal {
    fn name(&self) -> &str {
        "m0004_portal"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Portal {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("audit_events", ColumnDef::new("peer").text().null()),
            ("accounts", ColumnDef::new("time_zone").text().not_null().default("UTC")),
            ("accounts", ColumnDef::new("email_verified_at").big_integer().null()),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        // Whoever had an account before was given it by an operator, who knows the address.
        let mut known = Query::update();
        known.table("accounts").value("email_verified_at", Expr::col("created_at"));
        manager.execute(known).await?;
        manager.create_table(portal_sessions()).await?;
        let mut of_account = Index::create();
        of_account.name("portal_sessions_account").table("portal_sessions").col("account_id").col("id");
        manager.create_index(of_account).await?;
        let mut by_end = Index::create();
        by_end.name("portal_sessions_end").table("portal_sessions").col("expires_at");
        manager.create_index(by_end).await
    }
}

fn portal_sessions() -> TableCreateStatement {
    Table::create()
        .table("portal_sessions")
        .col(ColumnDef::new("id").text().primary_key())
        .col(ColumnDef::new("hash").blob().not_null().unique_key())
        .col(ColumnDef::new("account_id").text().not_null())
        .col(ColumnDef::new("state").text().not_null())
        .col(ColumnDef::new("method").text().not_null())
        .col(ColumnDef::new("workspace_id").text().null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("seen_at").big_integer().not_null())
        .col(ColumnDef::new("confirmed_at").big_integer().not_null())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .col(ColumnDef::new("peer").text().null())
        .col(ColumnDef::new("browser").text().not_null())
        .to_owned()
}
