//! Quotas on the audio of jobs, and that audio as usage.

use std::time::Duration;

use domain::link::{Change, FromGateway};
use domain::{ClientRef, QuotaScope, Region};

use super::world::*;

/// The audio of all usage batches so far, in milliseconds, by client_ref; each batch once, by its number.
fn audio(world: &World) -> Vec<(Option<String>, u64)> {
    let messages = world.running().messages.lock().unwrap().clone();
    let mut seen = std::collections::BTreeSet::new();
    let mut sums: std::collections::BTreeMap<Option<String>, u64> = std::collections::BTreeMap::new();
    for message in messages {
        let FromGateway::UsageBatch { number, records } = message else { continue };
        if !seen.insert(number) {
            continue;
        }
        for record in records.iter().filter(|record| record.audio_millis > 0) {
            *sums.entry(record.client_ref.clone().map(String::from)).or_default() += record.audio_millis;
        }
    }
    sums.into_iter().collect()
}

async fn comes_to(world: &World, expected: &[(Option<&str>, u64)]) {
    let expected: Vec<_> = expected.iter().map(|(name, millis)| (name.map(str::to_owned), *millis)).collect();
    soon(async {
        while audio(world) != expected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn finish(world: &World, bearer: &str, region: Region, seconds: u64) {
    let id = world.create_at(region, bearer).await;
    world.engine.finish(&id, seconds);
    let request = world.request_at(region, reqwest::Method::GET, &format!("/v2/jobs/{id}"), bearer);
    assert_eq!(Answer::of(request).await.json()["job"]["status"], "done");
}

fn quota(scope: QuotaScope, seconds: Option<u32>) -> Change {
    Change::Quota { project_id: PROJECT, scope, audio_seconds_per_month_max: seconds }
}

/// A job's audio is usage once it is done, of whoever made it and whichever region it is in; looking again, and a restart, count
/// nothing twice.
#[tokio::test]
async fn the_audio_of_jobs_is_usage() {
    let world = World::new().await;
    let key = world.key_of_areas(&[domain::Area::Eu, domain::Area::Usa]).await;
    let ann = world.temporary(&key, Some("ann"));
    finish(&world, key.bearer(), Region::Eu1, 12).await;
    finish(&world, &ann, Region::Us1, 30).await;
    let running = world.create(key.bearer()).await;
    comes_to(&world, &[(None, 12_000), (Some("ann"), 30_000)]).await;
    world.get("/v2/jobs", key.bearer()).await;
    world.stop().await;
    world.start().await;
    world.engine.finish(&running, 5);
    world.get(&format!("/v2/jobs/{running}"), key.bearer()).await;
    comes_to(&world, &[(None, 17_000), (Some("ann"), 30_000)]).await;
}

/// Once the audio of a month is used, no job is made any more, in any region and after a restart; reading goes on. Others have
/// theirs, a larger quota lets more in at once, and so does a new month.
#[tokio::test]
async fn spent_quotas_refuse_jobs() {
    let world = World::new().await;
    let key = world.key_of_areas(&[domain::Area::Eu, domain::Area::Usa]).await;
    let (ann, bob) = (world.temporary(&key, Some("ann")), world.temporary(&key, Some("bob")));
    world.change(quota(QuotaScope::EachClientRef, Some(60))).await;
    world.change(quota(QuotaScope::ClientRef(ClientRef::new("bob").unwrap()), Some(100))).await;
    finish(&world, &ann, Region::Us1, 60).await;
    finish(&world, &bob, Region::Eu1, 60).await;
    comes_to(&world, &[(Some("ann"), 60_000), (Some("bob"), 60_000)]).await;
    let create = async |bearer: &str| {
        let upload = world.request(reqwest::Method::POST, "/v2/jobs", bearer).body("0123456789");
        Answer::of(upload).await
    };
    let spent = || refused(403, "Forbidden", "audio_spent");
    for restarted in [false, true] {
        if restarted {
            world.stop().await;
            world.start().await;
        }
        let answer = create(&ann).await;
        assert_eq!(answer.refusal(), spent());
        assert!(answer.json()["detail"].as_str().unwrap().contains("2026-04-01"), "{answer:?}");
        assert_eq!(world.get("/v2/jobs", &ann).await.status, 200);
        assert_eq!(create(&bob).await.status, 201);
        assert_eq!(create(key.bearer()).await.status, 201, "nobody in particular has no quota");
    }
    world.change(quota(QuotaScope::Project, Some(60))).await;
    assert_eq!(create(&bob).await.status, 201, "a quota counts from when it is set");
    finish(&world, &bob, Region::Eu1, 61).await;
    // Nobody has counted the batches from before the restart, so they came again.
    comes_to(&world, &[(Some("ann"), 60_000), (Some("bob"), 121_000)]).await;
    assert_eq!(create(key.bearer()).await.refusal(), spent());
    world.change(quota(QuotaScope::Project, Some(62))).await;
    assert_eq!(create(key.bearer()).await.status, 201);
    world.change(quota(QuotaScope::Project, None)).await;
    assert_eq!(create(&bob).await.refusal(), spent(), "bob has used more than his");
    world.clock.advance_seconds(23 * 24 * 3600);
    let fresh = world.temporary(&key, Some("bob"));
    assert_eq!(create(&fresh).await.status, 201, "April");
}
