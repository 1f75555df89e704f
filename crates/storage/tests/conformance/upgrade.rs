//! Databases of earlier releases: they open, and the earlier release can still look into them afterwards.

use std::path::Path;

use sea_orm::{ConnectionTrait, DbErr, Statement};
use sea_orm_migration::prelude::*;
use sql::{Db, DbPlace, Schema, SqlError};
use storage::{BatchOutcome, Store};

use super::builders::batch;

/// What the release before wrote, as SQL.
const CONTROL: &str = include_str!("../fixtures/release-0.1.0/control.sql");

/// The schema as the first release knew it: by the names of its migrations.
struct FirstRelease;

struct Named(&'static str);

impl MigrationName for Named {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Named {
    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Custom("the first release only reads here".to_owned()))
    }
}

#[async_trait::async_trait]
impl MigratorTrait for FirstRelease {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Named("m0001_first"))]
    }
}

impl Schema for FirstRelease {
    const MIN_READER: usize = 1;
}

async fn write_fixture(path: &Path) {
    execute(path, CONTROL.trim().trim_start_matches("BEGIN TRANSACTION;").trim_end_matches("COMMIT;")).await;
}

async fn execute(path: &Path, sql: &str) {
    let db = Db::open_file(path).await.unwrap();
    let tx = db.write().await.unwrap();
    tx.execute_unprepared(sql).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await.unwrap();
}

/// The tables that the first release knew, each with its columns.
fn tables_of_first_release() -> Vec<(String, String)> {
    let creates = CONTROL.lines().filter_map(|line| line.strip_prefix("CREATE TABLE \""));
    creates
        .map(|line| {
            let (name, columns) = line.split_once('"').unwrap();
            let columns = columns.split(['(', ',']).filter_map(|part| part.trim().strip_prefix('"'));
            let mut names: Vec<String> =
                columns.map(|part| format!("\"{}\"", part.split('"').next().unwrap())).collect();
            names.dedup();
            (name.to_owned(), names.join(", "))
        })
        .collect()
}

/// A database of the release before opens and is brought up to date; the release before can then still read all that it knew
/// of, and can't write.
#[tokio::test]
async fn the_release_before_can_look_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voxgate.db");
    let place = DbPlace::File(path.clone());
    write_fixture(&path).await;
    let error = Store::open_read_only(&place).await.unwrap_err();
    assert!(error.to_string().contains("older version"), "{error}");

    let store = Store::open(&place).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.changes.len() >= 8, "{snapshot:?}");
    assert!(store.find_instance().await.unwrap().is_some());
    store.close().await.unwrap();

    let old = Db::open_read_only::<FirstRelease>(&place).await.unwrap();
    let tables = tables_of_first_release();
    assert!(tables.len() >= 15, "{tables:?}");
    for (table, columns) in tables {
        let sql = format!("SELECT {columns} FROM \"{table}\"");
        let statement = Statement::from_string(old.read().get_database_backend(), sql);
        old.read().query_all_raw(statement).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }
    assert!(matches!(old.write().await, Err(SqlError::ReadOnly)));
    let writing = Db::open(&place).await.unwrap();
    assert!(matches!(writing.migrate::<FirstRelease>().await, Err(SqlError::Migrate(_))));
}

/// Nothing that is stored is missing from backups: every table and every column of the schema is copied, or left out on
/// purpose.
#[tokio::test]
async fn backups_know_every_column() {
    // Whoever was signing in, or was to open a link that was mailed, begins again.
    const LEFT_OUT: [&str; 6] =
        ["changes", "schema_version", "seaql_migrations", "portal_sessions", "email_links", "used_tickets"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voxgate.db");
    Store::open_file(&path).await.unwrap().close().await.unwrap();
    let db = Db::open_file(&path).await.unwrap();
    let texts = async |sql: String| {
        let statement = Statement::from_string(db.read().get_database_backend(), sql);
        let rows = db.read().query_all_raw(statement).await.unwrap();
        let mut texts: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        texts.sort();
        texts
    };
    let tables = storage::tables().unwrap();
    let stored =
        texts("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'".to_owned());
    for name in stored.await.iter().filter(|name| !LEFT_OUT.contains(&name.as_str())) {
        let Some(table) = tables.iter().find(|table| table.name == *name) else {
            panic!("the table {name} is in no backup: name it in storage/src/backup.rs");
        };
        let mut copied: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        copied.sort();
        assert_eq!(copied, texts(format!("SELECT name FROM pragma_table_info('{name}')")).await, "{name}");
    }
}

/// A backup that an older release made is filled in under its own schema and then brought up to date: all its rows are there, and the
/// restored database is like any other. A former database of that release is compared as far as it goes.
async fn an_older_backup_is_restored(target: &DbPlace) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("former.db");
    write_fixture(&path).await;
    // The first release kept a row for each batch of usage that it had counted.
    let counted = "INSERT INTO usage_batches VALUES ('local/a', 2, 0), ('local/a', 3, 0), ('other', 9, 0)";
    execute(&path, counted).await;
    let former = Store::open_former(&DbPlace::File(path)).await.unwrap();
    let dump = former.dump().await.unwrap();
    assert_eq!(dump.migrations(), ["m0001_first"]);
    let mut restoring = storage::Restore::begin(target, dump.migrations()).await.unwrap();
    let mut rows = 0;
    for table in storage::tables().unwrap() {
        let Some(known) = dump.known(&table).await.unwrap() else { continue };
        restoring.clear(&known).await.unwrap();
        let page = dump.rows_after(&known, None).await.unwrap();
        rows += page.len();
        restoring.insert(&known, &page).await.unwrap();
    }
    assert!(rows > 20, "{rows}");
    restoring.upgrade().await.unwrap();
    let at = domain::Timestamp::from_seconds(1_900_000_000);
    let carried = restoring.carry_over(&dump, at).await.unwrap();
    assert_eq!(carried, storage::CarriedOver::default(), "nothing has ended since");
    drop(dump);
    let newest = former.revision().await.unwrap();
    let (restored, change) = restoring.into_change(newest).await.unwrap();
    change.keep_quietly().await.unwrap();
    let (now, before) = (restored.snapshot().await.unwrap(), former.find_instance_id().await.unwrap());
    assert!(now.changes.len() >= 8, "{now:?}");
    assert_eq!(restored.find_instance_id().await.unwrap(), before);
    for (journal, number, outcome) in [
        ("local/a", 2, BatchOutcome::CountedBefore),
        ("local/a", 3, BatchOutcome::CountedBefore),
        ("local/a", 4, BatchOutcome::Counted),
        ("other", 9, BatchOutcome::CountedBefore),
        ("other", 10, BatchOutcome::Counted),
    ] {
        let counted = restored.record_usage(batch(journal, number), &[], at).await.unwrap();
        assert_eq!(counted, outcome, "{journal} {number}");
    }
    restored.close().await.unwrap();
    former.close().await.unwrap();
}

#[tokio::test]
async fn on_sqlite_an_older_backup_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    an_older_backup_is_restored(&DbPlace::File(folder.path().join("restored.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_an_older_backup_is_restored() {
    let database = testdb::TestDatabase::create();
    an_older_backup_is_restored(&DbPlace::parse(&database.url()).unwrap()).await;
}
