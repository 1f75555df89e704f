//! The first schema. Column types and statements are those that SQLite and PostgreSQL share: text for ids and
//! names, 64-bit integers for times (microseconds) and numbers, bytes for hashes and sealed keys.

use sea_orm_migration::prelude::*;

pub(super) struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
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

/// Indexes beside those of primary keys and unique columns.
const INDEXES: &[(&str, &str, &[&str])] = &[
    ("memberships_account", "memberships", &["account_id"]),
    ("projects_workspace", "projects", &["workspace_id", "id"]),
    ("api_keys_project", "api_keys", &["project_id", "id"]),
    ("api_keys_workspace", "api_keys", &["workspace_id", "id"]),
    ("management_tokens_workspace", "management_tokens", &["workspace_id", "id"]),
    ("revoked_temporary_keys_forget", "revoked_temporary_keys", &["forget_at"]),
    ("audit_events_workspace", "audit_events", &["workspace_id", "sequence"]),
];

fn tables() -> Vec<TableCreateStatement> {
    vec![
        instance(),
        counters(),
        accounts(),
        workspaces(),
        memberships(),
        projects(),
        api_keys(),
        management_tokens(),
        signing_keys(),
        revoked_temporary_keys(),
        client_refs(),
        changes(),
        audit_events(),
        audit_names(),
        usage_batches(),
        usage(),
    ]
}

fn needed(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.not_null();
    column
}

fn optional(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).null().to_owned()
}

fn instance() -> TableCreateStatement {
    Table::create()
        .table("instance")
        .col(needed("singleton").integer().primary_key())
        .col(needed("id").text())
        .col(needed("created_at").big_integer())
        .col(needed("sentinel").blob())
        .col(needed("revision").big_integer())
        .to_owned()
}

fn counters() -> TableCreateStatement {
    Table::create()
        .table("counters")
        .col(needed("singleton").integer().primary_key())
        .col(needed("revision").big_integer())
        .col(needed("audit_sequence").big_integer())
        .col(needed("next_project_id").big_integer())
        .to_owned()
}

fn accounts() -> TableCreateStatement {
    Table::create()
        .table("accounts")
        .col(needed("id").text().primary_key())
        .col(needed("email").text())
        .col(needed("email_key").text().unique_key())
        .col(needed("password_hash").text())
        .col(needed("created_at").big_integer())
        .to_owned()
}

fn workspaces() -> TableCreateStatement {
    Table::create()
        .table("workspaces")
        .col(needed("id").text().primary_key())
        .col(needed("name").text())
        .col(needed("plan").text())
        .col(needed("home_area").text())
        .col(needed("limits").text())
        .col(needed("created_at").big_integer())
        .col(needed("revision").big_integer())
        .col(optional("closed_at").big_integer())
        .col(optional("closed_revision").big_integer())
        .to_owned()
}

fn memberships() -> TableCreateStatement {
    Table::create()
        .table("memberships")
        .col(needed("workspace_id").text())
        .col(needed("account_id").text())
        .col(needed("role").text())
        .col(needed("created_at").big_integer())
        .primary_key(Index::create().col("workspace_id").col("account_id"))
        .to_owned()
}

fn projects() -> TableCreateStatement {
    Table::create()
        .table("projects")
        .col(needed("id").big_integer().primary_key())
        .col(needed("workspace_id").text())
        .col(needed("name").text())
        .col(needed("description").text())
        .col(needed("is_default").boolean())
        .col(needed("created_at").big_integer())
        .col(needed("revision").big_integer())
        .col(optional("deleted_at").big_integer())
        .col(optional("deleted_revision").big_integer())
        .to_owned()
}

fn api_keys() -> TableCreateStatement {
    Table::create()
        .table("api_keys")
        .col(needed("id").text().primary_key())
        .col(needed("hash").blob().unique_key())
        .col(needed("project_id").big_integer())
        .col(needed("workspace_id").text())
        .col(needed("name").text())
        .col(needed("hint").text())
        .col(optional("created_by").text())
        .col(needed("created_at").big_integer())
        .col(optional("expires_at").big_integer())
        .col(optional("last_used_at").big_integer())
        .col(needed("areas").text())
        .col(needed("products").text())
        .col(needed("networks").text())
        .col(optional("client_ref").text())
        .col(optional("rotated_from").text())
        .col(optional("revoked_at").big_integer())
        .col(needed("revision").big_integer())
        .to_owned()
}

fn management_tokens() -> TableCreateStatement {
    Table::create()
        .table("management_tokens")
        .col(needed("id").text().primary_key())
        .col(needed("hash").blob().unique_key())
        .col(needed("workspace_id").text())
        .col(needed("name").text())
        .col(needed("hint").text())
        .col(needed("permissions").text())
        .col(needed("created_at").big_integer())
        .col(optional("last_used_at").big_integer())
        .col(optional("revoked_at").big_integer())
        .col(needed("revision").big_integer())
        .to_owned()
}

fn signing_keys() -> TableCreateStatement {
    Table::create()
        .table("signing_keys")
        .col(needed("kid").text().primary_key())
        .col(needed("algorithm").text())
        .col(needed("public_key").blob())
        .col(needed("sealed_private_key").blob())
        .col(needed("state").text())
        .col(needed("created_at").big_integer())
        .col(optional("retired_at").big_integer())
        .col(needed("revision").big_integer())
        .to_owned()
}

fn revoked_temporary_keys() -> TableCreateStatement {
    Table::create()
        .table("revoked_temporary_keys")
        .col(needed("id").text().primary_key())
        .col(needed("project_id").big_integer())
        .col(needed("forget_at").big_integer())
        .col(needed("revoked_at").big_integer())
        .col(needed("revision").big_integer())
        .to_owned()
}

fn client_refs() -> TableCreateStatement {
    Table::create()
        .table("client_refs")
        .col(needed("project_id").big_integer())
        .col(needed("client_ref").text())
        .col(needed("revoked_at").big_integer())
        .col(needed("revoked_revision").big_integer())
        .col(optional("readmitted_at").big_integer())
        .col(needed("revision").big_integer())
        .primary_key(Index::create().col("project_id").col("client_ref"))
        .to_owned()
}

fn changes() -> TableCreateStatement {
    Table::create()
        .table("changes")
        .col(needed("revision").big_integer().primary_key())
        .col(needed("at").big_integer())
        .col(needed("changes").text())
        .to_owned()
}

fn audit_events() -> TableCreateStatement {
    Table::create()
        .table("audit_events")
        .col(needed("sequence").big_integer().primary_key())
        .col(needed("at").big_integer())
        .col(optional("workspace_id").text())
        .col(needed("actor").text())
        .col(needed("action").text())
        .col(needed("subject").text())
        .col(needed("detail").text())
        .to_owned()
}

fn audit_names() -> TableCreateStatement {
    Table::create()
        .table("audit_names")
        .col(needed("pseudonym").text().primary_key())
        .col(needed("name").text())
        .to_owned()
}

fn usage_batches() -> TableCreateStatement {
    Table::create()
        .table("usage_batches")
        .col(needed("gateway").text())
        .col(needed("number").big_integer())
        .col(needed("received_at").big_integer())
        .primary_key(Index::create().col("gateway").col("number"))
        .to_owned()
}

fn usage() -> TableCreateStatement {
    Table::create()
        .table("usage")
        .col(needed("day").big_integer())
        .col(needed("project_id").big_integer())
        .col(needed("api_key_id").text())
        .col(needed("client_ref").text())
        .col(needed("region").text())
        .col(needed("product").text())
        .col(needed("requests").big_integer())
        .col(needed("sessions").big_integer())
        .col(needed("audio_millis").big_integer())
        .col(needed("received_bytes").big_integer())
        .col(needed("refusals").big_integer())
        .primary_key(
            Index::create()
                .col("day")
                .col("project_id")
                .col("api_key_id")
                .col("client_ref")
                .col("region")
                .col("product"),
        )
        .to_owned()
}
