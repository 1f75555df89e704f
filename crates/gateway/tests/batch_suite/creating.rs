//! Creating: the owner is on disk before the client hears of the job, whatever happens in between.

use domain::Region;
use gateway::GatewayLimits;
use gateway::limits::BODY_BYTES_MAX;
use ledger::Ledger;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::world::{Answer, Setup, World, refused, soon};

/// While the engine thinks, the intent is on disk and nobody owns anything; when the client is answered, the owner is on disk: a
/// second reader of the file sees it.
#[tokio::test]
async fn the_owner_is_on_disk_first() {
    let world = World::new().await;
    let key = world.key().await;
    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let waiting = tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())));
    soon(world.engine.create_arrived.notified()).await;
    let copy = Ledger::open(&world.ledger_path(Region::Eu1), Region::Eu1).await.unwrap();
    assert_eq!(copy.open_intents().await.unwrap().len(), 1);
    assert!(world.listed("", key.bearer()).await.is_empty());
    world.engine.create_answers.add_permits(1);
    let job = soon(waiting).await.unwrap().json()["id"].as_str().unwrap().to_owned();
    assert_eq!(copy.known(std::slice::from_ref(&job)).await.unwrap(), [job]);
    assert!(copy.open_intents().await.unwrap().is_empty());
}

/// A client that hangs up after its upload doesn't keep the gateway from recording the job.
#[tokio::test]
async fn a_client_that_hangs_up() {
    let world = World::new().await;
    let key = world.key().await;
    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    let request = format!(
        "POST /v2/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 4\r\n\r\nbody",
        key.bearer()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    soon(world.engine.create_arrived.notified()).await;
    drop(client);
    // The gateway has seen the client go once a request on another connection is through and the intent is still open.
    assert!(world.listed("", key.bearer()).await.is_empty());
    world.engine.create_answers.add_permits(1);
    soon(async {
        while world.listed("", key.bearer()).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(world.listed("", key.bearer()).await, world.engine.jobs());
}

/// A client that hangs up within its upload leaves nothing: no job, no intent.
#[tokio::test]
async fn an_upload_that_breaks_off() {
    let world = World::new().await;
    let key = world.key().await;
    let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
    let request = format!(
        "POST /v2/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 400000\r\n\r\nbody",
        key.bearer()
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let ledger = world.running().ledger;
    soon(async {
        while ledger.open_intents().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(client);
    soon(async {
        while !ledger.open_intents().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(world.listed("", key.bearer()).await.is_empty());
}

/// If the owner can't be written, the job is taken back at the engine and the client gets 500; the next create works again.
#[tokio::test]
async fn a_ledger_that_fails() {
    let world = World::new().await;
    let key = world.key().await;
    let taken = world.create(key.bearer()).await;
    // The engine gives the id of another's job: that job must stay as it is.
    world.engine.answer_next(201, &format!(r#"{{"id":"{taken}"}}"#));
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
    assert_eq!(answer.refusal(), refused(500, "Internal Server Error", "internal"));
    assert_eq!(world.engine.jobs(), std::slice::from_ref(&taken));

    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let waiting = tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())));
    soon(world.engine.create_arrived.notified()).await;
    soon(world.engine.create_arrived.notified()).await;
    break_table(&world, "jobs_hidden", "jobs").await;
    world.engine.create_answers.add_permits(1);
    let answer = soon(waiting).await.unwrap();
    assert_eq!(answer.refusal(), refused(500, "Internal Server Error", "internal"));
    assert_eq!(world.engine.jobs(), std::slice::from_ref(&taken), "the new one was taken back");
    break_table(&world, "jobs", "jobs_hidden").await;
    world.engine.create_answers.add_permits(1);
    let next = world.create(key.bearer()).await;
    assert_eq!(world.listed("", key.bearer()).await, [next, taken]);
}

/// Renames a table of the ledger, as another process may.
async fn break_table(world: &World, to: &str, from: &str) {
    use sea_orm::ConnectionTrait as _;
    let url = format!("sqlite:{}", world.ledger_path(Region::Eu1).display());
    let db = sea_orm::Database::connect(url).await.unwrap();
    db.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    db.close().await.unwrap();
}

/// An engine whose answer names no job, or one that can't stand in a path, gives no job.
#[tokio::test]
async fn unsound_answers_to_a_create() {
    let world = World::new().await;
    let key = world.key().await;
    for body in ["{}", "", r#"{"id":7}"#, r#"{"id":""}"#, r#"{"id":"../x"}"#, r#"{"id":"a b"}"#, "<html>"] {
        world.engine.answer_next(201, body);
        let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
        assert_eq!(answer.refusal(), refused(500, "Internal Server Error", "internal"), "{body}");
    }
    assert!(world.listed("", key.bearer()).await.is_empty());
    world.create(key.bearer()).await;
}

/// What a crash leaves between engine and ledger is found at the next start, deleted at the engine and counted; jobs that were there
/// before, and jobs that have an owner, stay.
#[tokio::test]
async fn what_a_crash_leaves_is_found() {
    let world = World::new().await;
    let key = world.key().await;
    let owned = world.create(key.bearer()).await;
    world.engine.put(
        "ancient",
        serde_json::json!({"id": "ancient", "status": "done", "created_at": "2020-01-01T00:00:00Z"}),
    );
    let new = key.intent();
    let clock: &dyn domain::Clock = world.clock.as_ref();
    world.running().ledger.intend(&new, clock.now()).await.unwrap();
    world.stop().await;
    world.engine.put(
        "orphan",
        serde_json::json!({"id": "orphan", "status": "running", "created_at": "2026-03-10T12:00:01Z"}),
    );
    world.start().await;
    let ledger = world.running().ledger;
    soon(async {
        while !ledger.open_intents().await.unwrap().is_empty() {
            assert_eq!(
                world.get("/v2/jobs/orphan", key.bearer()).await.status,
                404,
                "nobody reads it meanwhile"
            );
        }
    })
    .await;
    assert_eq!(world.engine.jobs(), ["ancient".to_owned(), owned]);
    assert_eq!(ledger.orphans_count().await.unwrap(), 1);
}

/// A create that is on its way while the gateway looks for what a crash left keeps its job, in whatever region it is: regions may share
/// an engine.
#[tokio::test]
async fn a_create_on_its_way_is_no_orphan() {
    for region in [Region::Eu1, Region::Eu2] {
        let world = World::new().await;
        let key = world.key().await;
        let new = key.intent();
        let clock: &dyn domain::Clock = world.clock.as_ref();
        world.running().ledger.intend(&new, clock.now()).await.unwrap();
        world.stop().await;
        // The first look fails, so that the create below is there before the second one.
        world.engine.answer_next(500, "");
        let lists = |world: &World| {
            world
                .engine
                .recorded()
                .iter()
                .filter(|one| one.target == "/v2/jobs" && one.method == "GET")
                .count()
        };
        world.start().await;
        soon(async {
            while lists(&world) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        world.engine.create_answers.forget_permits(usize::MAX >> 3);
        let waiting =
            tokio::spawn(Answer::of(world.request_at(region, Method::POST, "/v2/jobs", key.bearer())));
        soon(world.engine.create_arrived.notified()).await;
        soon(async {
            while lists(&world) < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        world.engine.create_answers.add_permits(1);
        let job = soon(waiting).await.unwrap().json()["id"].as_str().unwrap().to_owned();
        let ledger = world.running().ledger;
        soon(async {
            while !ledger.open_intents().await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(world.engine.jobs(), std::slice::from_ref(&job));
        let read = world.request_at(region, Method::GET, &format!("/v2/jobs/{job}"), key.bearer());
        assert_eq!(Answer::of(read).await.status, 200);
        assert_eq!(ledger.orphans_count().await.unwrap(), 0);
    }
}

/// Where nodes share a ledger, a create that another one has on its way keeps its job, though nobody owns it yet; what a crash left
/// before is deleted all the same.
#[tokio::test]
async fn on_postgres_a_create_of_another_node_is_no_orphan() {
    let database = testdb::TestDatabase::create();
    let place = ledger::DbPlace::parse(&database.url()).unwrap();
    let world = World::with(Setup { ledger: Some(place.clone()), ..Setup::default() }).await;
    let key = world.key().await;
    world.stop().await;
    let new = key.intent();
    let clock: &dyn domain::Clock = world.clock.as_ref();
    let other_node = Ledger::open_at(&place, Region::Eu1).await.unwrap();
    other_node.intend(&new, clock.now().plus_seconds(-2 * 24 * 3600)).await.unwrap();
    let on_its_way = other_node.intend(&new, clock.now()).await.unwrap();
    for (id, created_at) in [("orphan", "2026-03-08T12:00:01Z"), ("fresh", "2026-03-10T12:00:01Z")] {
        let job = serde_json::json!({"id": id, "status": "running", "created_at": created_at});
        world.engine.put(id, job);
    }
    world.start().await;
    let is_list = |one: &crate::engine::Recorded| one.target == "/v2/jobs" && one.method == "GET";
    soon(async {
        while !world.engine.recorded().iter().any(is_list) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Whoever deletes without waiting for the other node has done so by the end of these.
    for _ in 0..100 {
        assert_eq!(world.get("/v2/jobs/fresh", key.bearer()).await.status, 404);
    }
    soon(async {
        while world.engine.jobs() != ["fresh"] {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    other_node.record(on_its_way, &new, "fresh", clock.now()).await.unwrap();
    assert_eq!(world.get("/v2/jobs/fresh", key.bearer()).await.status, 200);
}

/// Jobs that were at the engine before can be adopted; then their project reads and lists them at their own time.
#[tokio::test]
async fn adoption() {
    let world = World::new().await;
    let (key, other) =
        (world.key().await, world.key_with(|record| record.project_id = crate::world::OTHER_PROJECT).await);
    let mine = world.create(key.bearer()).await;
    world.engine.put(
        "ancient",
        serde_json::json!({"id": "ancient", "status": "done", "created_at": "2020-01-01T00:00:00Z"}),
    );
    assert_eq!(world.get("/v2/jobs/ancient", other.bearer()).await.status, 404);
    let owner = ledger::Owner { project_id: crate::world::OTHER_PROJECT, client_ref: None };
    let adopted = world.running().gateway.adopt_jobs(Region::Eu1, &owner).await.unwrap();
    assert_eq!((adopted.taken, adopted.known), (1, 1));
    assert_eq!(world.listed("", other.bearer()).await, ["ancient"]);
    assert_eq!(world.listed("", key.bearer()).await, [mine]);
    let job = world.get("/v2/jobs/ancient", other.bearer()).await.json();
    assert_eq!(job["job"]["created_at"], "2020-01-01T00:00:00.000000Z");
}

/// The limit of an upload holds on both sides: by its declared length before anything is sent, by its bytes where none is declared.
#[tokio::test]
async fn the_upload_limit() {
    let world = World::new().await;
    let key = world.key().await;
    let head = |length: u64| {
        format!(
            "POST /v2/jobs HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n",
            key.bearer()
        )
    };
    for (length, status) in [(BODY_BYTES_MAX, "HTTP/1.1 100"), (BODY_BYTES_MAX + 1, "HTTP/1.1 413")] {
        let mut client = TcpStream::connect(world.port(Region::Eu1)).await.unwrap();
        client.write_all(head(length).as_bytes()).await.unwrap();
        let mut answer = vec![0; 512];
        let read = soon(client.read(&mut answer)).await.unwrap();
        assert!(
            answer[..read].starts_with(status.as_bytes()),
            "{}",
            String::from_utf8_lossy(&answer[..read])
        );
    }
}

/// An engine that takes too long over a create is 503, on a connection that answered in time before too; one that answers
/// again is used again.
#[tokio::test]
async fn an_engine_that_takes_too_long() {
    let gateway_limits = GatewayLimits { engine_answer_seconds_max: 1, ..Setup::default().gateway_limits };
    let world = World::with(Setup { gateway_limits, ..Setup::default() }).await;
    let key = world.key().await;
    world.create(key.bearer()).await;
    let held = world.engine.create_answers.forget_permits(Semaphore::MAX_PERMITS);
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
    assert_eq!(answer.refusal(), refused(503, "Internal Server Error", "engine_down"));
    world.engine.create_answers.add_permits(held);
    world.create(key.bearer()).await;
}
