//! What an account signs in with beside its password: authenticator apps, recovery codes, passkeys, and identities at
//! other providers. And which tickets of such a sign-in were used.

use sea_orm_migration::prelude::*;

pub(super) struct Factors;

impl MigrationName for Factors {
    fn name(&self) -> &str {
        "m0006_factors"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Factors {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [totp(), recovery_codes(), passkeys(), identities(), used_tickets()] {
            manager.create_table(table).await?;
        }
        for (name, table, column) in [
            ("passkeys_account", "passkeys", "account_id"),
            ("identities_account", "identities", "account_id"),
            ("used_tickets_end", "used_tickets", "expires_at"),
        ] {
            let mut index = Index::create();
            index.name(name).table(table).col(column);
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn totp() -> TableCreateStatement {
    Table::create()
        .table("totp")
        .col(ColumnDef::new("account_id").text().primary_key())
        .col(ColumnDef::new("sealed_secret").blob().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("last_step").big_integer().not_null())
        .col(ColumnDef::new("failures").big_integer().not_null())
        .col(ColumnDef::new("guesses_due").big_integer().not_null())
        .to_owned()
}

fn recovery_codes() -> TableCreateStatement {
    Table::create()
        .table("recovery_codes")
        .col(ColumnDef::new("account_id").text().not_null())
        .col(ColumnDef::new("hash").text().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("used_at").big_integer().null())
        .primary_key(Index::create().col("account_id").col("hash"))
        .to_owned()
}

fn passkeys() -> TableCreateStatement {
    Table::create()
        .table("passkeys")
        .col(ColumnDef::new("id").text().primary_key())
        .col(ColumnDef::new("account_id").text().not_null())
        .col(ColumnDef::new("credential_id").text().not_null().unique_key())
        .col(ColumnDef::new("credential").text().not_null())
        .col(ColumnDef::new("name").text().not_null())
        .col(ColumnDef::new("uses").big_integer().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("last_used_at").big_integer().null())
        .to_owned()
}

fn identities() -> TableCreateStatement {
    Table::create()
        .table("identities")
        .col(ColumnDef::new("provider").text().not_null())
        .col(ColumnDef::new("subject").text().not_null())
        .col(ColumnDef::new("account_id").text().not_null())
        .col(ColumnDef::new("label").text().not_null())
        .col(ColumnDef::new("created_at").big_integer().not_null())
        .col(ColumnDef::new("last_used_at").big_integer().null())
        .primary_key(Index::create().col("provider").col("subject"))
        .to_owned()
}

fn used_tickets() -> TableCreateStatement {
    Table::create()
        .table("used_tickets")
        .col(ColumnDef::new("hash").text().primary_key())
        .col(ColumnDef::new("expires_at").big_integer().not_null())
        .to_owned()
}
