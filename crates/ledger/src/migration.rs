//! The ledger's schema.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, double_null, string, string_null, text, text_null};

use crate::times::NEWEST_JOB;

/// All migrations, oldest first.
pub(crate) struct Migrations;

#[async_trait::async_trait]
impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(FirstTables),
            Box::new(NewestJob),
            Box::new(Leashes),
            Box::new(BookedJobs),
            Box::new(OpenSessions),
        ]
    }
}

impl sql::Schema for Migrations {
    const MIN_READER: usize = 1;
}

struct FirstTables;

impl MigrationName for FirstTables {
    fn name(&self) -> &str {
        "ledger_0001_first_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for FirstTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [jobs(), intents(), orphans(), usage_batches(), counters()] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// The newest time of a job is kept, so that programs that share a ledger agree on the next one.
struct NewestJob;

impl MigrationName for NewestJob {
    fn name(&self) -> &str {
        "ledger_0002_newest_job"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for NewestJob {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!(
            "INSERT INTO counters (name, value) SELECT '{NEWEST_JOB}', COALESCE(MAX(created_at), 0) FROM jobs"
        );
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}

/// What temporary keys have used of their leashes.
struct Leashes;

impl MigrationName for Leashes {
    fn name(&self) -> &str {
        "ledger_0003_leashes"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Leashes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(leashes()).await?;
        let mut by_end = Index::create();
        by_end.name("leashes_by_end").table("leashes").col("forget_at");
        manager.create_index(by_end.to_owned()).await
    }
}

/// Each job's audio is booked once. What was finished before was never booked, and stays so.
struct BookedJobs;

impl MigrationName for BookedJobs {
    fn name(&self) -> &str {
        "ledger_0004_booked_jobs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for BookedJobs {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let booked = ColumnDef::new("booked").boolean().not_null().default(false).to_owned();
        manager.alter_table(Table::alter().table("jobs").add_column(booked).to_owned()).await?;
        let sql = "UPDATE jobs SET booked = TRUE WHERE settled = TRUE";
        manager.get_connection().execute_unprepared(sql).await?;
        let mut unbooked = Index::create();
        unbooked.name("jobs_unbooked").table("jobs").col("booked").col("status").col("created_at");
        manager.create_index(unbooked.to_owned()).await?;
        manager.create_table(booked_jobs()).await?;
        let mut by_end = Index::create();
        by_end.name("booked_jobs_by_end").table("booked_jobs").col("forget_at");
        manager.create_index(by_end.to_owned()).await
    }
}

/// Sessions that are open, so that the next start can tell of those that a kill has ended.
struct OpenSessions;

impl MigrationName for OpenSessions {
    fn name(&self) -> &str {
        "ledger_0005_open_sessions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OpenSessions {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table.table("open_sessions").col(string("id").primary_key()).col(text("began"));
        manager.create_table(table.to_owned()).await
    }
}

fn booked_jobs() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("booked_jobs")
        .col(string("region"))
        .col(string("job_id"))
        .col(big_integer("forget_at"))
        .primary_key(Index::create().col("region").col("job_id"));
    table.to_owned()
}

fn leashes() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("leashes")
        .col(string("id").primary_key())
        .col(big_integer("starts"))
        .col(big_integer("audio_micros"))
        .col(big_integer("forget_at"));
    table.to_owned()
}

fn jobs() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("jobs")
        .col(string("id").primary_key())
        .col(big_integer("project_id"))
        .col(string_null("client_ref"))
        .col(string_null("api_key_id"))
        .col(big_integer("created_at"))
        .col(string("state"))
        .col(string_null("status"))
        .col(boolean("settled"))
        .col(text_null("object"))
        .col(double_null("duration_seconds"))
        .col(string_null("kind"))
        .col(string_null("language"))
        .col(string_null("model"))
        .col(big_integer("asked_at"));
    table.to_owned()
}

fn intents() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("intents")
        .col(big_integer("id").primary_key().auto_increment())
        .col(big_integer("project_id"))
        .col(string_null("client_ref"))
        .col(string("api_key_id"))
        .col(string("request_id"))
        .col(big_integer("begun_at"));
    table.to_owned()
}

fn orphans() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("orphans")
        .col(string("job_id").primary_key())
        .col(big_integer("found_at"))
        .col(boolean("deleted"));
    table.to_owned()
}

fn usage_batches() -> TableCreateStatement {
    let mut table = Table::create();
    table.table("usage_batches").col(big_integer("number").primary_key()).col(text("records"));
    table.to_owned()
}

fn counters() -> TableCreateStatement {
    let mut table = Table::create();
    table.table("counters").col(string("name").primary_key()).col(big_integer("value"));
    table.to_owned()
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name: &str, columns: &[&'static str]| {
        let mut index = Index::create();
        index.name(name).table("jobs");
        for column in columns {
            index.col(*column);
        }
        index.to_owned()
    };
    vec![
        index("jobs_by_project", &["project_id", "created_at", "id"]),
        index("jobs_by_client_ref", &["project_id", "client_ref", "created_at", "id"]),
        index("jobs_unsettled", &["settled", "asked_at"]),
    ]
}
