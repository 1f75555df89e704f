//! What an engine can't do by itself is done here.

use std::time::Duration;

use gateway::EngineCapabilities;
use reqwest::Method;

use crate::world::{Answer, Setup, World, refused, soon};

/// An engine of the least kind.
fn bare() -> Setup {
    Setup { capabilities: EngineCapabilities { wait: false, delete: false, log: false }, ..Setup::default() }
}

/// DELETE where the engine has none: a running job is locked unless forced, a deleted one is gone for everybody though the engine
/// still has it.
#[tokio::test]
async fn delete_by_tombstone() {
    for engine_says_so in [false, true] {
        let mut setup = bare();
        setup.capabilities.delete = engine_says_so;
        let world = World::with(setup).await;
        world.engine.cannot_delete();
        let key = world.key().await;
        let job = world.create(key.bearer()).await;
        let path = format!("/v2/jobs/{job}");
        let locked = world.delete(&path, key.bearer()).await;
        assert_eq!(locked.refusal(), refused(423, "Resource Locked", "job_running"));
        assert_eq!(world.get(&path, key.bearer()).await.status, 200);
        world.engine.finish(&job, 1);
        let answer = world.delete(&path, key.bearer()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["job"]["status"].as_str()), (200, Some("deleted")));
        assert_eq!(world.engine.jobs(), std::slice::from_ref(&job));
        for tail in ["", "/transcript", "/data"] {
            assert_eq!(world.get(&format!("{path}{tail}"), key.bearer()).await.status, 404);
        }
        assert!(world.listed("", key.bearer()).await.is_empty());
        let running = world.create(key.bearer()).await;
        assert_eq!(world.delete(&format!("/v2/jobs/{running}?force=true"), key.bearer()).await.status, 200);
    }
}

/// A log that the engine doesn't keep is 501, for the owner alone; where it keeps one, it is passed on.
#[tokio::test]
async fn a_missing_log() {
    let world = World::with(bare()).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let answer = world.get(&format!("/v2/jobs/{job}/log"), key.bearer()).await;
    assert_eq!(answer.refusal(), refused(501, "Not Implemented", "not_implemented"));
    let other = world.key_with(|record| record.project_id = crate::world::OTHER_PROJECT).await;
    assert_eq!(world.get(&format!("/v2/jobs/{job}/log"), other.bearer()).await.status, 404);

    let able = World::new().await;
    let key = able.key().await;
    let job = able.create(key.bearer()).await;
    assert_eq!(able.get(&format!("/v2/jobs/{job}/log"), key.bearer()).await.text(), format!("log of {job}"));
}

/// `wait` on a job and on a transcript returns as soon as the job is done, and by its time if it isn't.
#[tokio::test]
async fn wait_by_polling() {
    let world = World::with(bare()).await;
    let key = world.key().await;
    for tail in ["", "/transcript"] {
        let job = world.create(key.bearer()).await;
        let before = world.engine.recorded().len();
        let path = format!("/v2/jobs/{job}{tail}?wait=60");
        let waiting = tokio::spawn(Answer::of(world.request(Method::GET, &path, key.bearer())));
        soon(async {
            while world.engine.recorded().len() < before + 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert!(!waiting.is_finished());
        world.engine.finish(&job, 5);
        let answer = soon(waiting).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(world.engine.recorded()[before..].iter().all(|one| !one.target.contains("wait")));
    }
    let slow = world.create(key.bearer()).await;
    let answer = world.get(&format!("/v2/jobs/{slow}?wait=1"), key.bearer()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["job"]["status"].as_str()), (200, Some("running")));
    let answer = world.get(&format!("/v2/jobs/{slow}/transcript?wait=0"), key.bearer()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"].as_str()),
        (404, Some("Transcription not ready"))
    );
}

/// Where the engine can wait, it is told to.
#[tokio::test]
async fn wait_by_the_engine() {
    let capabilities = EngineCapabilities { wait: true, ..EngineCapabilities::default() };
    let world = World::with(Setup { capabilities, ..Setup::default() }).await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    world.engine.finish(&job, 5);
    assert_eq!(world.get(&format!("/v2/jobs/{job}?wait=7"), key.bearer()).await.status, 200);
    assert!(world.engine.last().target.contains("wait="));
    let path = format!("/v2/jobs/{job}/transcript?format=txt&wait=7&jwt=x");
    assert_eq!(world.get(&path, key.bearer()).await.text(), format!("txt of {job}"));
    assert_eq!(world.engine.last().target, format!("/v2/jobs/{job}/transcript?format=txt&wait=7"));
}

/// A create with `wait` tells how it ended and carries the transcript in the wanted format.
#[tokio::test]
async fn create_and_wait() {
    let world = World::with(bare()).await;
    let key = world.key().await;
    for (query, member) in
        [("wait=60", "json-v2"), ("wait=60&format=txt", "txt"), ("format=srt&wait=60", "srt")]
    {
        let request = world.request(Method::POST, &format!("/v2/jobs?{query}"), key.bearer());
        let waiting = tokio::spawn(Answer::of(request));
        soon(world.engine.create_arrived.notified()).await;
        let job = world.engine.jobs().pop().unwrap();
        world.engine.finish(&job, 5);
        let answer = soon(waiting).await.unwrap();
        assert_eq!(answer.status, 201);
        let body = answer.json();
        assert_eq!((body["id"].as_str(), body["status"].as_str()), (Some(job.as_str()), Some("done")));
        match member {
            "json-v2" => assert_eq!(body[member]["job"]["id"], job),
            format => assert_eq!(body[member], format!("{format} of {job}")),
        }
        assert_eq!(body.as_object().unwrap().len(), 3);
        world.engine.forget(&job);
    }
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs?wait=1", key.bearer())).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (201, Some("created")));
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs", key.bearer())).await;
    assert_eq!(answer.json().as_object().unwrap().len(), 1, "without wait there is only the id");
    let answer = Answer::of(world.request(Method::POST, "/v2/jobs?wait=1&format=doc", key.bearer())).await;
    assert_eq!(answer.json()["detail"], "format in query should be one of [json-v2 txt srt]");
}

/// Usage comes from the ledger: finished jobs of the days asked for, both days included, today not; the engine is asked for those
/// whose end nobody has seen. Other projects have none of it.
#[tokio::test]
async fn usage_from_the_ledger() {
    let world = World::with(bare()).await;
    let key = world.key().await;
    let other = world.key_with(|record| record.project_id = crate::world::OTHER_PROJECT).await;
    let (first, running) = (world.create(key.bearer()).await, world.create(key.bearer()).await);
    world.engine.finish(&first, 1800);
    let empty = world.get("/v2/usage", key.bearer()).await.json();
    assert_eq!(
        (empty["summary"].as_array().unwrap().len(), empty["details"].as_array().unwrap().len()),
        (0, 0)
    );
    const DAY: i64 = 86_400;
    world.clock.advance_seconds(DAY);
    let (second, deleted) = (world.create(key.bearer()).await, world.create(key.bearer()).await);
    world.engine.finish(&second, 900);
    world.engine.edit(&second, |job| job["config"]["transcription_config"]["language"] = "de".into());
    world.engine.finish(&deleted, 3600);
    world.get(&format!("/v2/jobs/{deleted}"), key.bearer()).await;
    world.delete(&format!("/v2/jobs/{deleted}"), key.bearer()).await;
    world.clock.advance_seconds(DAY);
    let today = world.create(key.bearer()).await;
    world.engine.finish(&today, 36_000);
    let all = world.get("/v2/usage/", key.bearer()).await.json();
    assert_eq!(
        (all["since"].as_str(), all["until"].as_str()),
        (Some("2026-03-10T00:00:00Z"), Some("2026-03-11T23:59:59Z"))
    );
    assert_eq!(
        all["summary"],
        serde_json::json!([{"mode": "batch", "type": "transcription", "count": 3, "duration_hrs": 1.75}])
    );
    let line = |language: &str, count: u32, hours: f64| serde_json::json!({"mode": "batch", "type": "transcription", "language": language, "operating_point": "enhanced", "model": "enhanced", "count": count, "duration_hrs": hours});
    assert_eq!(all["details"], serde_json::json!([line("de", 1, 0.25), line("en", 2, 1.5)]));
    let one_day = world.get("/v2/usage?since=2026-03-10&until=2026-03-10", key.bearer()).await.json();
    assert_eq!(one_day["details"], serde_json::json!([line("en", 1, 0.5)]));
    let later = world.get("/v2/usage?since=2026-03-12&until=2026-03-20", key.bearer()).await.json();
    assert_eq!(later["details"], serde_json::json!([]));
    world.engine.finish(&running, 360);
    let again = world.get("/v2/usage?until=2026-03-10", key.bearer()).await.json();
    assert_eq!(again["details"], serde_json::json!([line("en", 2, 0.6)]));
    let nothing = world.get("/v2/usage", other.bearer()).await.json();
    assert_eq!(nothing["details"], serde_json::json!([]));
    let wrong = world.get("/v2/usage?since=yesterday", key.bearer()).await;
    assert_eq!(wrong.refusal(), refused(422, "Unprocessable Entity", "invalid_value"));
}

/// Speech goes to the region that has an engine for it, for keys of that product; elsewhere there is no such path.
#[tokio::test]
async fn speech() {
    let world = World::new().await;
    let key = world.key().await;
    let request = world.request(Method::POST, "/generate/sarah?output_format=wav_16000&x=y", key.bearer());
    let answer = Answer::of(request.json(&serde_json::json!({"text": "hello"}))).await;
    assert_eq!(answer.text(), "voice sarah");
    assert_eq!(answer.headers["content-type"], "audio/wav");
    let seen = world.engine.last();
    assert_eq!(
        (seen.target.as_str(), seen.body.as_slice()),
        ("/generate/sarah?output_format=wav_16000", b"{\"text\":\"hello\"}".as_slice())
    );
    let batch = world.temporary(&key, None);
    let answer = Answer::of(world.request(Method::POST, "/generate/sarah", &batch)).await;
    assert_eq!(answer.refusal(), refused(403, "Forbidden", "wrong_product"));
    let speech = world.temporary_with(&key, |claims| claims.product = domain::Product::Tts);
    assert_eq!(Answer::of(world.request(Method::POST, "/generate/sarah", &speech)).await.status, 200);
    assert_eq!(world.get("/v2/jobs", &speech).await.reason(), "wrong_product");
    let elsewhere = world.request_at(domain::Region::Eu2, Method::POST, "/generate/sarah", key.bearer());
    assert_eq!(Answer::of(elsewhere).await.reason(), "not_found");
}
