//! Invitations into workspaces.

use sea_orm_migration::prelude::*;

pub(super) struct Invitations;

impl MigrationName for Invitations {
    fn name(&self) -> &str {
        "m0007_invitations"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Invitations {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invitations()).await?;
        for (name, columns) in [
            ("invitations_workspace", ["workspace_id", "email_key"]),
            ("invitations_email", ["email_key", "id"]),
            ("invitations_end", ["expires_at", "id"]),
        ] {
            let mut index = Index::create();
            index.name(name).table("invitations");
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn invitations() -> TableCreateStatement {
    Table::create()
        .table("invitations")
        .col(ColumnDef::new("id").text().primary_key())
        .col(ColumnDef::new("hash").blob().not_null().unique_key())
        .col(ColumnDef::new("workspace_id").text().not_null())
        .col(ColumnDef::new("email").text().not_null())
        .col(ColumnDef::new("email_key").text().not_null())
        .col(ColumnDef::new("role").text().not_null())
        .col(ColumnDef::new("invited_by").text().null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("sent_at").big_integer().not_null())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .col(ColumnDef::new("ended_at").big_integer().null())
        .to_owned()
}
