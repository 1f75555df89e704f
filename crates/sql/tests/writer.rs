//! What a database promises, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::*;
use sql::{Db, DbPlace, Schema, SqlError};
use testdb::TestDatabase;

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

/// What a newer version makes: one table more, which older readers needn't know.
struct Second(&'static str);

impl MigrationName for Second {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Second {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = format!("CREATE TABLE {} (id BIGINT)", self.0);
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}

struct Newer;

#[async_trait::async_trait]
impl MigratorTrait for Newer {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First), Box::new(Second("m0002_second"))]
    }
}

impl Schema for Newer {
    const MIN_READER: usize = 1;
}

struct Incompatible;

#[async_trait::async_trait]
impl MigratorTrait for Incompatible {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(First), Box::new(Second("m0002_second")), Box::new(Second("m0003_third"))]
    }
}

impl Schema for Incompatible {
    const MIN_READER: usize = 3;
}

struct Other;

#[async_trait::async_trait]
impl MigratorTrait for Other {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Second("somebody_elses"))]
    }
}

impl Schema for Other {
    const MIN_READER: usize = 1;
}

struct Older;

#[async_trait::async_trait]
impl MigratorTrait for Older {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

impl Schema for Good {
    const MIN_READER: usize = 1;
}

impl Schema for Bad {
    const MIN_READER: usize = 1;
}

impl Schema for Older {
    const MIN_READER: usize = 1;
}

/// Where a case's database is.
enum Home {
    Folder(tempfile::TempDir),
    Database(TestDatabase),
}

impl Home {
    fn on_sqlite() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    fn on_postgres() -> Self {
        Self::Database(TestDatabase::create())
    }

    fn place(&self) -> DbPlace {
        match self {
            Self::Folder(folder) => DbPlace::File(folder.path().join("a ? folder%20#.db")),
            Self::Database(database) => DbPlace::parse(&database.url()).unwrap(),
        }
    }
}

async fn open(home: &Home) -> Db {
    let db = Db::open(&home.place()).await.unwrap();
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
async fn commit_keeps_and_drop_forgets(home: Home) {
    let db = open(&home).await;
    let kept = db.write().await.unwrap();
    kept.execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.unwrap();
    assert_eq!(count(&db).await, 0, "readers don't see what is not committed");
    drop(kept.commit().await.unwrap());
    let dropped = db.write().await.unwrap();
    dropped.execute_unprepared("INSERT INTO things VALUES (2, 'two')").await.unwrap();
    drop(dropped);
    assert_eq!(count(&db).await, 1);
    db.close().await.unwrap();
    assert_eq!(count(&open(&home).await).await, 1);
}

/// After a failed statement nothing more runs and the commit is refused, so that nothing of it is kept; without one
/// the same inserts are kept.
async fn a_transaction_refuses_to_commit_after_an_error(home: Home) {
    let db = open(&home).await;
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
async fn readers_cannot_write(home: Home) {
    let db = open(&home).await;
    assert!(db.read().execute_unprepared("INSERT INTO things VALUES (1, 'one')").await.is_err());
    assert_eq!(count(&db).await, 0);
}

/// Several reads in one read transaction see one moment, whatever is committed meanwhile.
async fn a_read_transaction_sees_one_moment(home: Home) {
    let db = open(&home).await;
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
async fn the_turn_is_kept_until_it_is_dropped(home: Home) {
    let db = open(&home).await;
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
async fn migrations_are_all_or_nothing(home: Home) {
    let db = open(&home).await;
    assert!(matches!(db.migrate::<Bad>().await, Err(SqlError::Migrate(_))));
    assert!(db.read().execute_unprepared("SELECT * FROM half").await.is_err(), "half of it is there");
    db.migrate::<Good>().await.unwrap();
    assert_eq!(count(&db).await, 0);
}

/// A database with a migration that this build doesn't know was made by a newer one, and is refused.
async fn a_newer_schema_is_refused(home: Home) {
    let db = open(&home).await;
    assert!(matches!(db.migrate::<Older>().await, Err(SqlError::Migrate(_))));
}

/// Programs that start at the same time bring the schema up to date once, and all of them work.
async fn migrations_run_once(home: Home) {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let place = home.place();
        starts.spawn(async move {
            let db = Db::open(&place).await.unwrap();
            db.migrate::<Good>().await.unwrap();
            count(&db).await
        });
    }
    assert_eq!(starts.join_all().await, [0; 12]);
}

/// A schema is read without being changed: as long as it is ours, and where a newer one says that it may be. An empty
/// database, an older schema and somebody else's are refused, each by its name.
async fn schemas_are_read_as_they_are(home: Home) {
    let place = home.place();
    let db = Db::open(&place).await.unwrap();
    db.migrate::<Good>().await.unwrap();
    let reading = Db::open_read_only::<Good>(&place).await.unwrap();
    assert_eq!(count(&reading).await, 0);
    assert!(matches!(reading.write().await, Err(SqlError::ReadOnly)));
    assert!(matches!(Db::open_read_only::<Newer>(&place).await, Err(SqlError::Older { .. })));
    assert!(matches!(Db::open_read_only::<Other>(&place).await, Err(SqlError::Foreign { .. })));

    db.migrate::<Newer>().await.unwrap();
    assert_eq!(count(&Db::open_read_only::<Good>(&place).await.unwrap()).await, 0);
    assert!(matches!(db.migrate::<Good>().await, Err(SqlError::Migrate(_))), "nobody older writes");
    db.migrate::<Incompatible>().await.unwrap();
    assert!(matches!(Db::open_read_only::<Good>(&place).await, Err(SqlError::Newer { .. })));
    assert!(Db::open_read_only::<Incompatible>(&place).await.is_ok());
}

/// A database that isn't there is refused, and opening it for reading doesn't make it.
async fn what_is_missing_is_not_made(home: Home) {
    let place = match &home {
        Home::Folder(folder) => DbPlace::File(folder.path().join("missing.db")),
        Home::Database(database) => {
            let url = database.url();
            let (start, query) = url.split_once('?').unwrap();
            DbPlace::parse(&format!("{start}_missing?{query}")).unwrap()
        }
    };
    assert!(matches!(Db::open_read_only::<Good>(&place).await, Err(SqlError::Open { .. })));
    assert!(place.file().is_none_or(|path| !path.exists()));
    let empty = match home {
        Home::Folder(_) => return,
        Home::Database(_) => home.place(),
    };
    assert!(matches!(Db::open_read_only::<Good>(&empty).await, Err(SqlError::Empty { .. })));
}

/// Texts are ordered and compared byte by byte, whatever language the server speaks.
async fn texts_are_compared_byte_by_byte(home: Home) {
    let db = open(&home).await;
    let mut names = ["b", "A", "a", "_", "B", "\u{e1}", "a1", "a-1", "aa"];
    let tx = db.write().await.unwrap();
    for (id, name) in names.iter().enumerate() {
        tx.execute_unprepared(&format!("INSERT INTO things VALUES ({id}, '{name}')")).await.unwrap();
    }
    tx.commit().await.unwrap();
    let sql = "SELECT name FROM things ORDER BY name";
    let statement = sea_orm::Statement::from_string(db.read().get_database_backend(), sql);
    let rows = db.read().query_all_raw(statement).await.unwrap();
    let listed: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    names.sort_unstable();
    assert_eq!(listed, names);
    assert_eq!(one_i64(&db, "SELECT COUNT(*) FROM things WHERE name > 'Z' AND name < 'b'").await, 5);
}

macro_rules! suite {
    ($database:ident: $($case:ident),+ $(,)?) => {
        mod $database {
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(super::Home::$database()).await;
                }
            )+
        }
    };
}

macro_rules! suites {
    ($($database:ident),+) => {
        $(suite! { $database:
            commit_keeps_and_drop_forgets,
            a_transaction_refuses_to_commit_after_an_error,
            readers_cannot_write,
            a_read_transaction_sees_one_moment,
            the_turn_is_kept_until_it_is_dropped,
            migrations_are_all_or_nothing,
            a_newer_schema_is_refused,
            migrations_run_once,
            schemas_are_read_as_they_are,
            what_is_missing_is_not_made,
            texts_are_compared_byte_by_byte,
        })+
    };
}

suites!(on_sqlite, on_postgres);

/// Durability is what the design asks for: WAL, synchronous=FULL.
#[tokio::test]
async fn sqlite_is_durable() {
    let db = open(&Home::on_sqlite()).await;
    let tx = db.write().await.unwrap();
    let pragma =
        |name: &str| sea_orm::Statement::from_string(tx.get_database_backend(), format!("PRAGMA {name}"));
    let mode: String =
        tx.query_one_raw(pragma("journal_mode")).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    let synchronous: i32 =
        tx.query_one_raw(pragma("synchronous")).await.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 2));
}

/// A URL that asks for TLS gets TLS or nothing: what the driver says first to a server that offers it is a handshake.
#[tokio::test]
async fn postgres_speaks_tls_when_asked() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 8];
        stream.read_exact(&mut asked).await.unwrap();
        stream.write_all(b"S").await.unwrap();
        let mut hello = [0; 3];
        stream.read_exact(&mut hello).await.unwrap();
        (asked, hello)
    });
    let url = format!("postgres://ann:hunter2@127.0.0.1:{port}/v?sslmode=require");
    let error = Db::open(&DbPlace::parse(&url).unwrap()).await.unwrap_err();
    let (asked, hello) = server.await.unwrap();
    assert_eq!(asked, [0, 0, 0, 8, 4, 210, 22, 47], "PostgreSQL's request for TLS");
    assert_eq!(hello[..2], [22, 3], "a TLS handshake");
    let said = format!("{error} {error:?}");
    assert!(said.contains("ann@127.0.0.1") && !said.contains("hunter2"), "{said}");
}
