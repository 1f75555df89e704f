//! Lists are exact and cost a page.

use gateway::GatewayLimits;
use gateway::limits::{LIST_LOOKUPS_AT_ONCE_MAX, LIST_LOOKUPS_MAX};
use reqwest::Method;
use serde_json::Value;

use crate::world::{Setup, World, refused, soon};

/// Newest first; the limit, both cursors and deleted jobs are exact; paging by the time shown visits every job once.
#[tokio::test]
async fn lists_are_exact() {
    let world = World::new().await;
    let key = world.key().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(world.create(key.bearer()).await);
    }
    made.reverse();
    assert_eq!(world.listed("", key.bearer()).await, made, "all of them were made in one frozen moment");
    assert_eq!(world.listed("/?limit=3", key.bearer()).await, made[..3]);
    let mut pages = Vec::new();
    let mut query = String::from("?limit=2");
    loop {
        let jobs = world.get(&format!("/v2/jobs{query}"), key.bearer()).await.json()["jobs"].clone();
        let Some(last) = jobs.as_array().unwrap().last() else { break };
        pages.extend(jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
        query = format!("?limit=2&created_before={}", last["created_at"].as_str().unwrap());
    }
    assert_eq!(pages, made);
    let third =
        world.get(&format!("/v2/jobs/{}", made[2]), key.bearer()).await.json()["job"]["created_at"].clone();
    let third = third.as_str().unwrap();
    assert_eq!(world.listed(&format!("?created_after={third}"), key.bearer()).await, made[..2]);
    assert_eq!(world.listed(&format!("?created_before={third}"), key.bearer()).await, made[3..]);
    world.delete(&format!("/v2/jobs/{}", made[1]), key.bearer()).await;
    let left = [vec![made[0].clone()], made[2..].to_vec()].concat();
    assert_eq!(world.listed("", key.bearer()).await, left);
    assert_eq!(world.listed("?include_deleted=false", key.bearer()).await, left);
    assert_eq!(world.listed("?include_deleted=true", key.bearer()).await, made);
    for (query, detail) in [
        ("limit=0", "limit in query should be greater than or equal to 1"),
        ("limit=101", "limit in query should be less than or equal to 100"),
        ("limit=ten", "limit in query must be of type int64"),
        ("created_before=now", "created_before in query must be of type date-time"),
    ] {
        let answer = world.get(&format!("/v2/jobs?{query}"), key.bearer()).await;
        assert_eq!(answer.refusal(), refused(422, "Unprocessable Entity", "invalid_value"));
        assert_eq!(answer.json()["detail"], detail);
    }
}

/// A page asks the engine for the jobs on it that may have changed, never for its whole list; what is finished isn't asked again.
#[tokio::test]
async fn a_page_costs_a_page() {
    let world = World::new().await;
    let key = world.key().await;
    let mut made = Vec::new();
    for _ in 0..6 {
        made.push(world.create(key.bearer()).await);
    }
    for id in &made[..4] {
        world.engine.finish(id, 3);
    }
    for number in 0..1000 {
        world.engine.put(
            &format!("strange{number}"),
            serde_json::json!({"id": format!("strange{number}"), "status": "done"}),
        );
    }
    let before = world.engine.recorded().len();
    assert_eq!(world.listed("?limit=3", key.bearer()).await.len(), 3);
    let asked: Vec<_> = world.engine.recorded()[before..].to_vec();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|one| one.method == "GET" && one.target.starts_with("/v2/jobs/job")));
    assert_eq!(world.listed("", key.bearer()).await.len(), 6, "and no strange one among them");
    let before = world.engine.recorded().len();
    assert_eq!(world.listed("", key.bearer()).await.len(), 6);
    assert_eq!(world.engine.recorded().len() - before, 2, "only the two that run are asked for again");
}

/// A list that is made in many portions has every job once, in order, whatever was deleted or lies where one portion ends; the engine is
/// asked about its newest ones.
#[tokio::test]
async fn long_lists_are_exact() {
    let world = World::new().await;
    let key = world.key().await;
    let mut made = Vec::new();
    for _ in 0..LIST_LOOKUPS_MAX + 40 {
        made.push(world.create(key.bearer()).await);
    }
    made.reverse();
    let before = world.engine.recorded().len();
    assert_eq!(world.listed("", key.bearer()).await, made);
    let asked: Vec<_> = world.engine.recorded()[before..].iter().map(|one| one.target.clone()).collect();
    let newest: Vec<_> = made[..LIST_LOOKUPS_MAX].iter().map(|id| format!("/v2/jobs/{id}")).collect();
    assert_eq!(asked.len(), LIST_LOOKUPS_MAX);
    assert!(newest.iter().all(|one| asked.contains(one)), "{asked:?}");
    for limit in [8, 9, 31, 32, 33, 64, 100] {
        assert_eq!(world.listed(&format!("?limit={limit}"), key.bearer()).await, made[..limit]);
    }
    let gone: Vec<_> = [0, 7, 8, 31, 32, 63, 64, 139].iter().map(|at: &usize| made[*at].clone()).collect();
    for id in &gone {
        assert_eq!(world.delete(&format!("/v2/jobs/{id}"), key.bearer()).await.status, 200);
    }
    assert_eq!(world.listed("?include_deleted=true", key.bearer()).await, made);
    made.retain(|id| !gone.contains(id));
    assert_eq!(world.listed("", key.bearer()).await, made);
    // The engine has dropped all that the second portion begins with, and the first one ends with.
    for id in &made[4..14] {
        world.engine.edit(id, |job| job["status"] = "deleted".into());
    }
    made.drain(4..14);
    assert_eq!(world.listed("", key.bearer()).await, made);
}

/// A list whose reader has begun is made to its end: a job that the engine doesn't tell of for as long as it may stop within an answer
/// is told as it was last seen.
#[tokio::test]
async fn a_silent_engine_cuts_no_list() {
    let gateway_limits =
        GatewayLimits { engine_stall_seconds_max: 1, drain_seconds_max: 1, ..GatewayLimits::default() };
    let world = World::with(Setup { gateway_limits, ..Setup::default() }).await;
    let key = world.key().await;
    let mut made = Vec::new();
    for _ in 0..2 * LIST_LOOKUPS_AT_ONCE_MAX {
        made.push(world.create(key.bearer()).await);
    }
    made.reverse();
    for id in &made {
        world.engine.finish(id, 3);
    }
    let silent = &made[LIST_LOOKUPS_AT_ONCE_MAX];
    world.engine.say_nothing_about(silent);
    let list = soon(world.get("/v2/jobs", key.bearer())).await.json();
    let told: Vec<_> =
        list["jobs"].as_array().unwrap().iter().map(|job| (&job["id"], &job["status"])).collect();
    let (running, done) = ("running".into(), "done".into());
    let ids: Vec<Value> = made.iter().map(|id| id.as_str().into()).collect();
    let expected: Vec<_> = made
        .iter()
        .zip(&ids)
        .map(|(id, value)| (value, if id == silent { &running } else { &done }))
        .collect();
    assert_eq!(told, expected);
}

/// The details are the engine's, the time is the ledger's, in a list as well as in a single answer.
#[tokio::test]
async fn details_are_the_engines_and_time_the_ledgers() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    world.engine.finish(&job, 244);
    world.engine.edit(&job, |object| object["created_at"] = "1999-01-01T00:00:00Z".into());
    let listed = world.get("/v2/jobs", key.bearer()).await.json()["jobs"][0].clone();
    let single = world.get(&format!("/v2/jobs/{job}"), key.bearer()).await.json()["job"].clone();
    assert_eq!(listed, single);
    assert_eq!(single["created_at"], "2026-03-10T12:00:00.000000Z");
    assert_eq!(
        (&single["duration"], &single["status"], &single["data_name"]),
        (&244.into(), &"done".into(), &"a.wav".into())
    );
    assert_eq!(single["config"]["transcription_config"]["operating_point"], "enhanced");
}

/// A job that the engine has forgotten still lists and reads as it was last seen; one that was lost before its end is rejected.
#[tokio::test]
async fn forgotten_jobs_stay() {
    let world = World::new().await;
    let key = world.key().await;
    let (done, lost, unseen) = (
        world.create(key.bearer()).await,
        world.create(key.bearer()).await,
        world.create(key.bearer()).await,
    );
    world.engine.finish(&done, 9);
    for id in [&done, &lost] {
        assert_eq!(world.get(&format!("/v2/jobs/{id}"), key.bearer()).await.status, 200);
    }
    for id in [&done, &lost, &unseen] {
        world.engine.forget(id);
    }
    let listed = world.get("/v2/jobs", key.bearer()).await.json()["jobs"].clone();
    let told: Vec<_> = listed.as_array().unwrap().iter().map(|job| job["status"].clone()).collect();
    assert_eq!(told, ["rejected", "rejected", "done"]);
    for (id, status) in [(&done, "done"), (&lost, "rejected"), (&unseen, "rejected")] {
        let job = world.get(&format!("/v2/jobs/{id}"), key.bearer()).await.json()["job"].clone();
        assert_eq!((job["id"].as_str(), job["status"].as_str()), (Some(id.as_str()), Some(status)));
        assert_eq!(job["errors"].is_array(), status == "rejected");
    }
    assert_eq!(world.get(&format!("/v2/jobs/{done}"), key.bearer()).await.json()["job"]["duration"], 9);
    let transcript = world.get(&format!("/v2/jobs/{done}/transcript"), key.bearer()).await;
    assert_eq!(transcript.refusal(), refused(410, "Job Expired", "job_expired"));
    assert_eq!(world.delete(&format!("/v2/jobs/{done}"), key.bearer()).await.status, 200);
    assert_eq!(world.listed("", key.bearer()).await.len(), 2);
}

/// Everything survives a restart of the gateway.
#[tokio::test]
async fn a_restart_changes_nothing() {
    let world = World::new().await;
    let key = world.key().await;
    let (kept, gone) = (world.create(key.bearer()).await, world.create(key.bearer()).await);
    world.delete(&format!("/v2/jobs/{gone}"), key.bearer()).await;
    let before = world.get("/v2/jobs?include_deleted=true", key.bearer()).await.body;
    world.stop().await;
    world.start().await;
    assert_eq!(world.get("/v2/jobs?include_deleted=true", key.bearer()).await.body, before);
    assert_eq!(world.listed("", key.bearer()).await, [kept]);
    let next = world.create(key.bearer()).await;
    assert_eq!(world.listed("?limit=1", key.bearer()).await, [next], "time goes on after the restart");
}

/// HEAD tells what GET would, without its body.
#[tokio::test]
async fn head_has_no_body() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    for path in [String::from("/v2/jobs"), format!("/v2/jobs/{job}"), format!("/v2/jobs/{job}/log")] {
        let got = world.get(&path, key.bearer()).await;
        let head = crate::world::Answer::of(world.request(Method::HEAD, &path, key.bearer())).await;
        assert_eq!((head.status, head.body.len()), (got.status, 0));
        assert_eq!(head.headers.get("content-length"), got.headers.get("content-length"), "{path}");
    }
}
