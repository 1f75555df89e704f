//! What the gateway tells the control plane, and how it ends.

use std::time::Duration;

use domain::link::{Change, FromGateway, ToGateway, UsageRecord};
use domain::{Clock as _, Product, Region};
use gateway::GatewayLimits;
use reqwest::Method;

use crate::world::{Answer, START, Setup, World, refused, soon};

fn usage(message: &FromGateway) -> Option<(u64, Vec<UsageRecord>)> {
    match message {
        FromGateway::UsageBatch { number, records } => Some((*number, records.clone())),
        _ => None,
    }
}

/// Requests and refusals are counted per key, client_ref and day, sent in numbered batches, and kept until they are counted: after a
/// restart what was not counted is sent again under its old number.
#[tokio::test]
async fn usage_is_sent_until_it_is_counted() {
    let world = World::new().await;
    let key = world.key().await;
    let ann = world.temporary(&key, Some("ann"));
    assert_eq!(world.get("/v2/jobs/unknown", &ann).await.status, 404);
    assert_eq!(world.get("/v2/jobs", &ann).await.status, 200);
    let upload = world.request(Method::POST, "/v2/jobs", &ann).body("0123456789");
    assert_eq!(Answer::of(upload).await.status, 201);
    let mut total = (0, 0, 0);
    let mut last = 0;
    soon(async {
        while total.0 < 3 {
            let messages = world.running().messages.lock().unwrap().clone();
            total = (0, 0, 0);
            for (number, records) in messages.iter().filter_map(usage) {
                last = number;
                for record in records {
                    assert_eq!(record.client_ref.as_ref().map(domain::ClientRef::as_str), Some("ann"));
                    assert_eq!(
                        (record.api_key_id, record.region, record.product),
                        (key.record.id, Region::Eu1, Product::Batch)
                    );
                    assert_eq!(record.day.as_seconds(), START - START % 86_400);
                    total.0 += record.requests;
                    total.1 += record.refusals;
                    total.2 += record.received_bytes;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(total, (3, 1, 10));
    world
        .hear(|message| match message {
            FromGateway::LastUsed { keys, .. } if keys.contains(&(key.record.id, world.clock.now())) => {
                Some(())
            }
            _ => None,
        })
        .await;
    world.stop().await;
    world.start().await;
    assert_eq!(world.hear(usage).await.0, 1, "nobody has counted it: the first batch comes again");
    world.send(ToGateway::UsageCounted { number: last }).await;
    let ledger = world.running().ledger;
    soon(async {
        while ledger.uncounted_usage(0, 1000).await.unwrap().iter().any(|batch| batch.number <= last) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Begins to write into a region's ledger, as another process may: nobody else writes into it before this ends.
async fn hold(world: &World, region: Region) -> sea_orm::DatabaseTransaction {
    use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait as _};
    let url = format!("sqlite:{}", world.ledger_path(region).display());
    let db = sea_orm::Database::connect(url).await.unwrap();
    let at_once = Some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions { sqlite_transaction_mode: at_once, ..TransactionOptions::default() };
    db.begin_with_options(options).await.unwrap()
}

/// A ledger that can't be written at present holds no revocation up: it is enforced while counted usage still waits to be
/// forgotten. That is forgotten as soon as it can be, all of it.
#[tokio::test]
async fn a_slow_ledger_holds_no_revocation_up() {
    let world = World::new().await;
    let key = world.key().await;
    assert_eq!(world.get("/v2/jobs", key.bearer()).await.status, 200);
    let (number, _) = world.hear(usage).await;
    let ledger = world.running().ledger;
    let has_batch = async || ledger.uncounted_usage(number - 1, 1).await.unwrap().len() == 1;

    let holding = hold(&world, Region::Eu1).await;
    for counted in [number, number - 1] {
        world.send(ToGateway::UsageCounted { number: counted }).await;
    }
    let mut record = key.record.clone();
    record.revoked_at = Some(world.clock.now());
    world.change(Change::Key(record)).await;
    assert_eq!(world.get("/v2/jobs", key.bearer()).await.reason(), "credential_revoked");
    assert!(has_batch().await, "that still waits");

    holding.rollback().await.unwrap();
    // As control does with every batch: what wasn't forgotten because the ledger was away too long is asked for anew.
    world.send(ToGateway::UsageCounted { number }).await;
    soon(async {
        while has_batch().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The control plane hears when an engine stops answering.
#[tokio::test]
async fn health_is_told() {
    let world = World::new().await;
    let key = world.key().await;
    let eu1 = |wanted: bool| {
        move |message: &FromGateway| match message {
            FromGateway::Health { engines } if engines.contains(&(Region::Eu1, wanted)) => Some(()),
            _ => None,
        }
    };
    world.hear(eu1(true)).await;
    let job = world.create(key.bearer()).await;
    world.engine.stop().await;
    assert_eq!(world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 503);
    world.hear(eu1(false)).await;
}

/// An engine that vanishes in the middle of its answers holds nobody up for ever: who reads a job is told to try again, what was
/// being passed on breaks off, and upkeep finds what a crash left as soon as the engine answers again.
#[tokio::test]
async fn an_engine_that_vanishes_holds_nothing_up() {
    let gateway_limits = GatewayLimits { engine_stall_seconds_max: 1, ..Setup::default().gateway_limits };
    let world = World::with(Setup { gateway_limits, ..Setup::default() }).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let path = format!("/v2/jobs/{job}");
    world.engine.stall_next(1);
    let told = world.get(&path, key.bearer()).await.refusal();
    assert_eq!(told, refused(503, "Internal Server Error", "engine_down"));
    for (method, path) in [(Method::GET, format!("{path}/log")), (Method::POST, "/generate/sarah".to_owned())]
    {
        world.engine.stall_next(1);
        let passed = soon(world.request(method, &path, key.bearer()).send()).await.unwrap();
        assert_eq!(passed.status(), 200, "{path}");
        assert!(soon(passed.bytes()).await.is_err(), "{path}");
    }
    assert_eq!(world.get(&path, key.bearer()).await.status, 200);

    let left = key.intent();
    world.running().ledger.intend(&left, world.clock.now()).await.unwrap();
    world.stop().await;
    world.engine.stall_next(1);
    world.start().await;
    let ledger = world.running().ledger;
    soon(async {
        while !ledger.open_intents().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(world.engine.stalls_left(), 0, "upkeep was stalled once");
}

/// Shutdown finishes what was begun: a create that is on its way is answered and recorded.
#[tokio::test]
async fn shutdown_finishes_what_was_begun() {
    let world = World::new().await;
    let key = world.key().await;
    world.engine.create_answers.forget_permits(usize::MAX >> 3);
    let waiting = tokio::spawn(Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())));
    soon(world.engine.create_arrived.notified()).await;
    let engine = world.engine.clone();
    let (answer, ()) = tokio::join!(waiting, async {
        let stopping = world.stop();
        engine.create_answers.add_permits(1);
        stopping.await;
    });
    assert_eq!(answer.unwrap().status, 201);
    world.start().await;
    assert_eq!(world.listed("", key.bearer()).await, world.engine.jobs());
}

/// While the control plane is away keys are still verified.
#[tokio::test]
async fn the_control_plane_may_be_away() {
    let world = World::new().await;
    let key = world.key().await;
    world.forget_control();
    assert_eq!(world.get("/v2/jobs", key.bearer()).await.status, 200);
    const DAY_SECONDS: i64 = 86_400;
    soon(async {
        loop {
            // The loss is noticed at some moment; a day after that the gateway refuses.
            world.clock.advance_seconds(DAY_SECONDS + 1);
            let answer = world.get("/v2/jobs", key.bearer()).await;
            if answer.status == 503 {
                return assert_eq!(answer.reason(), "stale");
            }
        }
    })
    .await;
}
