//! The ledger, each case on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use domain::link::UsageRecord;
use domain::{ApiKeyId, ClientRef, Product, ProjectId, Region, RequestId, Timestamp};
use ledger::{AdoptedJob, DbPlace, JobState, Ledger, LedgerError, ListQuery, NewIntent, Owner, Seen};
use testdb::TestDatabase;

use booking::jobs_are_booked_once;
use forget::jobs_are_forgotten;
use leashes::{audio_is_reserved_once, keys_are_forgotten, starts_are_exact};

mod booking;
mod forget;
mod leashes;
mod model;

const NOW: Timestamp = Timestamp::from_seconds(1_773_144_000);

/// Where a case's ledger is kept.
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

    async fn open(&self) -> Ledger {
        let place = match self {
            Self::Folder(folder) => DbPlace::File(folder.path().join("eu1.sqlite")),
            Self::Database(database) => DbPlace::parse(&database.url()).unwrap(),
        };
        Ledger::open_at(&place, Region::Eu1).await.unwrap()
    }
}

fn new(project: i64, client_ref: Option<&str>) -> NewIntent {
    NewIntent {
        project_id: ProjectId::new(project),
        client_ref: client_ref.map(|text| ClientRef::new(text).unwrap()),
        api_key_id: ApiKeyId::from_u128(1),
        request_id: RequestId::from_u128(2),
    }
}

fn owner(project: i64, client_ref: Option<&str>) -> Owner {
    let NewIntent { project_id, client_ref, .. } = new(project, client_ref);
    Owner { project_id, client_ref }
}

fn all() -> ListQuery {
    ListQuery { limit: 1000, created_before: None, created_after: None, include_deleted: false }
}

fn seen(status: &str, seconds: f64) -> Seen {
    Seen {
        status: status.to_owned(),
        settled: status != "running",
        object: format!(r#"{{"status":"{status}"}}"#),
        duration_seconds: Some(seconds),
        kind: Some(String::from("transcription")),
        language: Some(String::from("en")),
        model: Some(String::from("standard")),
    }
}

async fn create(ledger: &Ledger, id: &str, new: &NewIntent, now: Timestamp) -> Timestamp {
    let intent = ledger.intend(new, now).await.unwrap();
    ledger.record(intent, new, id, now).await.unwrap().created_at
}

async fn ids(ledger: &Ledger, owner: &Owner, query: &ListQuery) -> Vec<String> {
    ledger.list(owner, query, None).await.unwrap().into_iter().map(|job| job.facts.id.to_string()).collect()
}

/// What was recorded is there after the file is opened again, with every fact; the memory of the open ledger says the same.
async fn owners_survive(home: Home) {
    let ledger = home.open().await;
    let ann = new(7, Some("ann"));
    let created_at = create(&ledger, "a", &ann, NOW).await;
    ledger.seen("a", &seen("done", 12.5)).await.unwrap();
    let before = ledger.find_with_object(&owner(7, Some("ann")), "a").await.unwrap().unwrap();
    ledger.close().await.unwrap();
    let again = home.open().await;
    assert_eq!(again.find_with_object(&owner(7, None), "a").await.unwrap().unwrap(), before);
    assert_eq!(
        (before.facts.created_at, before.facts.state, before.facts.settled),
        (created_at, JobState::Live, true)
    );
    assert_eq!(before.object.as_deref(), Some(r#"{"status":"done"}"#));
    assert!(create(&again, "b", &ann, NOW).await > created_at, "time goes on though the clock stands still");
}

/// Whoever doesn't own a job doesn't find it, neither from memory nor from the file: another project, another client_ref, one that
/// differs in case or in a final space.
async fn owners_are_compared_exactly(home: Home) {
    let ledger = home.open().await;
    create(&ledger, "a", &new(7, Some("ann")), NOW).await;
    create(&ledger, "whole", &new(7, None), NOW).await;
    for warm in [true, false] {
        let ledger = if warm { &ledger } else { &home.open().await };
        for (project, client_ref, found) in [
            (7, Some("ann"), true),
            (7, None, true),
            (8, Some("ann"), false),
            (8, None, false),
            (7, Some("Ann"), false),
            (7, Some("ann "), false),
            (7, Some("a_n"), false),
            (7, Some("a%"), false),
        ] {
            let owner = owner(project, client_ref);
            for _ in 0..2 {
                assert_eq!(ledger.find(&owner, "a").await.unwrap().is_some(), found, "{owner:?}");
                assert_eq!(ledger.find_with_object(&owner, "a").await.unwrap().is_some(), found);
            }
            assert!(ledger.find(&owner, "A").await.unwrap().is_none());
            if client_ref.is_some() {
                assert!(ledger.find(&owner, "whole").await.unwrap().is_none());
            }
            if !found {
                assert!(!ledger.delete(&owner, "a").await.unwrap());
            }
        }
    }
}

/// A job is deleted once, by its owner; what is deleted or expired changes no more, whatever the engine says later.
async fn deletion_is_final(home: Home) {
    let ledger = home.open().await;
    let mine = owner(7, None);
    create(&ledger, "a", &new(7, None), NOW).await;
    create(&ledger, "b", &new(7, None), NOW).await;
    create(&ledger, "c", &new(7, None), NOW).await;
    assert!(ledger.delete(&mine, "a").await.unwrap());
    assert!(!ledger.delete(&mine, "a").await.unwrap());
    ledger.expire("b").await.unwrap();
    ledger.lose("c").await.unwrap();
    for id in ["a", "b", "c"] {
        ledger.seen(id, &seen("done", 1.0)).await.unwrap();
    }
    let state = async |id| ledger.find(&mine, id).await.unwrap().unwrap().state;
    assert_eq!((state("a").await, state("b").await), (JobState::Deleted, JobState::Expired));
    assert_eq!(state("c").await, JobState::Live, "a lost one that is seen again lives");
    assert_eq!(ids(&ledger, &mine, &all()).await, ["c"]);
    assert_eq!(ids(&ledger, &mine, &ListQuery { include_deleted: true, ..all() }).await, ["c", "b", "a"]);
}

/// An id belongs to whom it was given first: a second job of the same id is refused and changes nothing.
async fn an_id_has_one_owner(home: Home) {
    let ledger = home.open().await;
    create(&ledger, "a", &new(7, None), NOW).await;
    let other = new(8, None);
    let intent = ledger.intend(&other, NOW).await.unwrap();
    assert!(matches!(ledger.record(intent, &other, "a", NOW).await, Err(LedgerError::JobExists)));
    assert!(ledger.find(&owner(7, None), "a").await.unwrap().is_some());
    assert!(ledger.find(&owner(8, None), "a").await.unwrap().is_none());
    assert_eq!(ledger.open_intents().await.unwrap().len(), 1, "and the intent is still to be dealt with");
    ledger.abandon(intent).await.unwrap();
    assert!(ledger.open_intents().await.unwrap().is_empty());
}

/// An intent is on disk until its job is recorded or it is abandoned; orphans are counted once each.
async fn intents_survive(home: Home) {
    let ledger = home.open().await;
    let new = new(7, None);
    let (one, _two) =
        (ledger.intend(&new, NOW).await.unwrap(), ledger.intend(&new, NOW.plus_seconds(1)).await.unwrap());
    ledger.record(one, &new, "a", NOW).await.unwrap();
    ledger.close().await.unwrap();
    let ledger = home.open().await;
    let left = ledger.open_intents().await.unwrap();
    assert_eq!(left.iter().map(|intent| intent.begun_at).collect::<Vec<_>>(), [NOW.plus_seconds(1)]);
    for deleted in [false, true] {
        ledger.note_orphan("x", deleted, NOW).await.unwrap();
    }
    assert_eq!(ledger.orphans_count().await.unwrap(), 1);
}

/// Usage waits in rising numbers, which a restart doesn't start anew, until it is counted.
async fn usage_batches_are_numbered(home: Home) {
    let ledger = home.open().await;
    let record = UsageRecord {
        project_id: ProjectId::new(7),
        api_key_id: ApiKeyId::from_u128(1),
        client_ref: Some(ClientRef::new("ünn").unwrap()),
        region: Region::Eu1,
        product: Product::Batch,
        day: NOW,
        requests: 3,
        sessions: 0,
        audio_millis: 0,
        received_bytes: u64::MAX,
        refusals: 1,
        refused: [(domain::Reason::RateLimited, 1)].into_iter().collect(),
    };
    assert_eq!(ledger.journal_usage(std::slice::from_ref(&record)).await.unwrap(), 1);
    assert_eq!(ledger.journal_usage(&[]).await.unwrap(), 2);
    ledger.usage_counted(1).await.unwrap();
    ledger.usage_counted(2).await.unwrap();
    ledger.close().await.unwrap();
    let ledger = home.open().await;
    assert_eq!(ledger.journal_usage(std::slice::from_ref(&record)).await.unwrap(), 3);
    let waiting = ledger.uncounted_usage(0, 100).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].number, &waiting[0].records[0]), (1, 3, &record));
}

/// A journal keeps its name over restarts, and no two have the same.
async fn journals_have_names(home: Home) {
    let ledger = home.open().await;
    let name = ledger.journal_name(&domain::SystemRng).await.unwrap();
    ledger.close().await.unwrap();
    let ledger = home.open().await;
    assert_eq!(ledger.journal_name(&domain::SystemRng).await.unwrap(), name);
    let folder = tempfile::tempdir().unwrap();
    let other = Ledger::open(&folder.path().join("other.db"), Region::Eu1).await.unwrap();
    assert_ne!(other.journal_name(&domain::SystemRng).await.unwrap(), name);
}

/// Usage adds up finished jobs of a project in a span of time, deleted ones too, running ones not.
async fn usage_adds_up(home: Home) {
    let ledger = home.open().await;
    for (id, project, status, at) in [
        ("a", 7, "done", 0),
        ("b", 7, "done", 10),
        ("c", 7, "running", 10),
        ("d", 7, "rejected", 10),
        ("e", 8, "done", 10),
        ("f", 7, "done", 100),
    ] {
        create(&ledger, id, &new(project, None), NOW.plus_seconds(at)).await;
        ledger.seen(id, &seen(status, 100.0)).await.unwrap();
    }
    ledger.delete(&owner(7, None), "b").await.unwrap();
    let project = ProjectId::new(7);
    let lines = ledger.usage(project, NOW, NOW.plus_seconds(100)).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].count, lines[0].duration_seconds, lines[0].model.as_deref()),
        (2, 200.0, Some("standard"))
    );
    assert_eq!(ledger.usage(project, NOW.plus_seconds(1), NOW.plus_seconds(10)).await.unwrap(), []);
    assert_eq!(ledger.first_job_at(project).await.unwrap(), Some(NOW));
    assert_eq!(ledger.unsettled_of(project, NOW, NOW.plus_seconds(100), 10).await.unwrap(), ["c"]);
    let asked = ledger.unsettled(NOW.plus_seconds(50), 10, NOW.plus_seconds(60)).await.unwrap();
    assert_eq!(asked, ["c"]);
    assert!(ledger.unsettled(NOW.plus_seconds(50), 10, NOW.plus_seconds(60)).await.unwrap().is_empty());
}

/// Adoption takes in what nobody owns, at its own time, and leaves alone what somebody owns.
async fn adoption_takes_what_is_free(home: Home) {
    let ledger = home.open().await;
    create(&ledger, "owned", &new(7, None), NOW).await;
    let early = NOW.plus_seconds(-1000);
    let job = |id: &str| AdoptedJob { id: id.to_owned(), created_at: early, seen: seen("done", 1.0) };
    let adopted = ledger.adopt(&owner(8, None), None, &[job("free"), job("owned")]).await.unwrap();
    assert_eq!((adopted.taken, adopted.known), (1, 1));
    let free = ledger.find(&owner(8, None), "free").await.unwrap().unwrap();
    assert_eq!((free.created_at, free.settled), (early, true));
    assert!(ledger.find(&owner(8, None), "owned").await.unwrap().is_none());
    let again = ledger.adopt(&owner(7, None), None, &[job("free")]).await.unwrap();
    assert_eq!((again.taken, again.known), (0, 1));
}

/// Facts in memory never outlive a change: readers that race with a deletion see it at the latest when it has returned.
async fn memory_never_lies(home: Home) {
    let ledger = std::sync::Arc::new(home.open().await);
    for round in 0..30 {
        let id = format!("job{round}");
        create(&ledger, &id, &new(7, None), NOW).await;
        if round % 2 == 0 {
            // Not in memory: the readers bring it there while it is deleted.
            ledger.seen(&id, &seen("running", 0.0)).await.unwrap();
        }
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (ledger, id) = (ledger.clone(), id.clone());
                tokio::spawn(async move {
                    for _ in 0..20 {
                        ledger.find(&owner(7, None), &id).await.unwrap();
                    }
                })
            })
            .collect();
        assert!(ledger.delete(&owner(7, None), &id).await.unwrap());
        assert_eq!(ledger.find(&owner(7, None), &id).await.unwrap().unwrap().state, JobState::Deleted);
        for reader in readers {
            reader.await.unwrap();
        }
        assert_eq!(ledger.find(&owner(7, None), &id).await.unwrap().unwrap().state, JobState::Deleted);
    }
}

/// Jobs of the same moment are listed by their ids, byte by byte, whatever language the server speaks.
async fn ids_are_ordered_byte_by_byte(home: Home) {
    let ledger = home.open().await;
    let job = |id: &str| AdoptedJob { id: id.to_owned(), created_at: NOW, seen: seen("done", 1.0) };
    let jobs = ["b", "A", "a", "_", "B", "\u{e1}", "a1", "a-1", "aa"].map(job);
    ledger.adopt(&owner(7, None), None, &jobs).await.unwrap();
    let mut expected = jobs.map(|job| job.id);
    expected.sort_by(|one, other| other.cmp(one));
    assert_eq!(ids(&ledger, &owner(7, None), &all()).await, expected);
}

/// Two programs that share a ledger see each other's changes at once, and never give two jobs the same time.
async fn a_shared_ledger_has_one_truth(home: Home) {
    let (one, other) = (home.open().await, home.open().await);
    let mut times = Vec::new();
    for number in 0..4 {
        let ledger = if number % 2 == 0 { &one } else { &other };
        times.push(create(ledger, &format!("job{number}"), &new(7, None), NOW).await);
    }
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    let mine = owner(7, None);
    assert_eq!(other.find(&mine, "job0").await.unwrap().unwrap().state, JobState::Live);
    assert!(one.delete(&mine, "job0").await.unwrap());
    assert_eq!(other.find(&mine, "job0").await.unwrap().unwrap().state, JobState::Deleted);
}

macro_rules! suite {
    ($database:ident: $($case:ident),+ $(,)?) => {
        mod $database {
            use super::Home;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    super::$case(Home::$database()).await;
                }
            )+

            #[test]
            fn the_ledger_is_its_model() {
                super::model::the_ledger_is_its_model(Home::$database);
            }
        }
    };
}

macro_rules! suites {
    ($($database:ident),+) => {
        $(suite! { $database:
            owners_survive,
            owners_are_compared_exactly,
            deletion_is_final,
            an_id_has_one_owner,
            intents_survive,
            usage_batches_are_numbered,
            journals_have_names,
            usage_adds_up,
            adoption_takes_what_is_free,
            memory_never_lies,
            ids_are_ordered_byte_by_byte,
            starts_are_exact,
            audio_is_reserved_once,
            keys_are_forgotten,
            jobs_are_forgotten,
            jobs_are_booked_once,
        })+
    };
}

suites!(on_sqlite, on_postgres);

mod shared_on_postgres {
    use super::Home;

    #[tokio::test]
    async fn a_shared_ledger_has_one_truth() {
        super::a_shared_ledger_has_one_truth(Home::on_postgres()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn processes_share_what_a_key_has() {
        super::leashes::processes_share_what_a_key_has(Home::on_postgres()).await;
    }
}

/// Nothing that is stored is missing from backups: every table and every column is copied, or left out on purpose.
#[tokio::test]
async fn on_sqlite_backups_know_every_column() {
    use sea_orm::{ConnectionTrait as _, Statement};

    // Sessions that were open have ended by the time of a restore.
    const LEFT_OUT: [&str; 4] = ["intents", "open_sessions", "schema_version", "seaql_migrations"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("eu1.db");
    Ledger::open(&path, Region::Eu1).await.unwrap().close().await.unwrap();
    let db = sql::Db::open_file(&path).await.unwrap();
    let texts = async |sql: String| {
        let statement = Statement::from_string(db.read().get_database_backend(), sql);
        let rows = db.read().query_all_raw(statement).await.unwrap();
        let mut texts: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        texts.sort();
        texts
    };
    let tables = ledger::tables().unwrap();
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    for name in texts(names.to_owned()).await {
        if LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        let Some(table) = tables.iter().find(|table| table.name == name) else {
            panic!("the table {name} is in no backup: name it in ledger/src/backup.rs");
        };
        let mut copied: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        copied.sort();
        assert_eq!(copied, texts(format!("SELECT name FROM pragma_table_info('{name}')")).await, "{name}");
    }
}
