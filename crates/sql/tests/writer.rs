//! What the writer promises, on a real SQLite file.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::*;
use sql::{Db, SqlError};

struct First;

impl MigrationName for First {
    fn name(&self) -> &str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("things")
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("name").text().not_null().unique_key())
            .to_owned();
        manager.create_table(table).await
    }
}

/// A second migration that makes a table and then fails.
struct Broken;

impl MigrationName for Broken {
    fn name(&self) -> &str {
        "m0002_broken"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Broken {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("CREATE TABLE half (id BIGINT)").await?;
        manager.get_connection().execute_unprepared("CREATE GARBAGE").await?;
        Ok(())
    }
}

struct Good;

#[async_trait::async_trait]
impl MigratorTrait for Good {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First)]
    }
}

struct Bad;

#[async_trait::async_trait]
impl MigratorTrait for Bad {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First), Box::new(Broken)]
    }
}

struct Older;

#[async_trait::async_trait]
impl MigratorTrait for Older {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

async fn open(folder: &tempfile::TempDir) -> Db {
    let db = Db::open_file(&folder.path().join("a ? folder%20#.db")).await.unwrap();
    db.migrate::<Good>().await.unwrap();
    db
}

async fn count(db: &Db) -> i64 {
    one_i64(db, "SELECT COUNT(*) AS n FROM things").await
}

async fn one_i64(db: &Db, sql: &str) -> i64 {
    let statement = sea_orm::Statement::from_string(db.read().get_database_backend(), sql);
    db.read().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// What was committed is there for readers and after a reopen; what was dropped is not.
#[tokio::test]
async fn commit_keeps_and_drop_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let kept = db.write().await.unwrap();
    kept.execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.unwrap();
    assert_eq!(count(&db).await, 0, "readers don't see what is not committed");
    drop(kept.commit().await.unwrap());
    let dropped = db.write().await.unwrap();
    dropped.execute_unprepared("INSERT INTO things VALUES (2, 'two')").await.unwrap();
    drop(dropped);
    assert_eq!(count(&db).await, 1);
    db.close().await.unwrap();
    assert_eq!(count(&open(&folder).await).await, 1);
}

/// After a failed statement nothing more runs and the commit is refused, so that nothing of it is kept; without one
/// the same inserts are kept.
#[tokio::test]
async fn a_transaction_refuses_to_commit_after_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let tx = db.write().await.unwrap();
    tx.execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.unwrap();
    let error =
        SqlError::from(tx.execute_unprepared("INSERT INTO things VALUES (2, 'one')").await.unwrap_err());
    assert!(error.is_unique_violation(), "{error:?}");
    assert!(tx.execute_unprepared("INSERT INTO things VALUES (3, 'three')").await.is_err());
    assert!(matches!(tx.commit().await, Err(SqlError::Poisoned)));
    assert_eq!(count(&db).await, 0);

    let tx = db.write().await.unwrap();
    tx.execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.unwrap();
    tx.execute_unprepared("INSERT INTO things VALUES (3, 'three')").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 2);
}

/// The reading side can't write, by mistake or otherwise.
#[tokio::test]
async fn readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    assert!(db.read().execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.is_err());
    assert_eq!(count(&db).await, 0);
}

/// Several reads in one read transaction see one moment, whatever is committed meanwhile.
#[tokio::test]
async fn a_read_transaction_sees_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let reading = db.read_tx().await.unwrap();
    let sql = "SELECT COUNT(*) AS n FROM things";
    let statement = || sea_orm::Statement::from_string(reading.get_database_backend(), sql);
    let before: i64 = reading.query_one_raw(statement()).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let tx = db.write().await.unwrap();
    tx.execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.unwrap();
    tx.commit().await.unwrap();
    let after: i64 = reading.query_one_raw(statement()).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!((before, after, count(&db).await), (0, 0, 1));
}

/// The writer's turn outlives the commit: nobody else writes until it is given up.
#[tokio::test]
async fn the_turn_is_kept_until_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let turn = db.write().await.unwrap().commit().await.unwrap();
    let mut next = Box::pin(db.write());
    assert!(
        std::future::poll_fn(|context| std::task::Poll::Ready(next.as_mut().poll(context).is_pending()))
            .await
    );
    drop(turn);
    next.await.unwrap().commit().await.unwrap();
}

/// A migration that fails half way leaves the schema as it was; running the good ones again is fine.
#[tokio::test]
async fn migrations_are_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    assert!(matches!(db.migrate::<Bad>().await, Err(SqlError::Migrate(_))));
    assert_eq!(one_i64(&db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'").await, 0);
    db.migrate::<Good>().await.unwrap();
    assert_eq!(count(&db).await, 0);
}

/// A database with a migration that this build doesn't know was made by a newer one, and is refused.
#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    assert!(matches!(db.migrate::<Older>().await, Err(SqlError::Migrate(_))));
}

/// Only SQLite is built in, and a URL of another kind says so without showing what else it holds.
#[tokio::test]
async fn other_databases_are_refused_by_name() {
    let error = Db::open("postgres://user:hunter2@localhost/db").await.unwrap_err();
    assert!(error.to_string().contains("postgres"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

/// Durability is what the design asks for: WAL, synchronous=FULL.
#[tokio::test]
async fn sqlite_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder).await;
    let tx = db.write().await.unwrap();
    let pragma =
        |name: &str| sea_orm::Statement::from_string(tx.get_database_backend(), format!("PRAGMA {name}"));
    let mode: String =
        tx.query_one_raw(pragma("journal_mode")).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let synchronous: i32 =
        tx.query_one_raw(pragma("synchronous")).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 2));
}
