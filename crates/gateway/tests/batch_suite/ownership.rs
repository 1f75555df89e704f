//! Whose job is whose: projects and client_refs never meet.

use domain::{ClientRef, Region};
use reqwest::Method;

use crate::world::{Answer, OTHER_PROJECT, World, refused};

/// A foreign, an unknown and a deleted job are the same bytes, on every route and to every caller; the owner reads its own.
#[tokio::test]
async fn foreign_unknown_and_deleted_are_the_same() {
    let world = World::new().await;
    let (mine, other) = (world.key().await, world.key_with(|record| record.project_id = OTHER_PROJECT).await);
    let job = world.create(mine.bearer()).await;
    world.engine.finish(&job, 1);
    let gone = world.create(other.bearer()).await;
    assert_eq!(world.delete(&format!("/v2/jobs/{gone}"), other.bearer()).await.status, 200);
    let deleted_rows = world.engine.recorded().len();
    for tail in ["", "/", "/transcript", "/log", "/data", "/transcript?format=txt"] {
        let mut bodies = Vec::new();
        for id in [job.as_str(), gone.as_str(), "unknown"] {
            let answer = world.get(&format!("/v2/jobs/{id}{tail}"), other.bearer()).await;
            assert_eq!(answer.refusal(), refused(404, "Job not found", "job_not_found"), "{id}{tail}");
            let mut headers = answer.headers.clone();
            headers.remove("request-id");
            headers.remove("date");
            bodies.push((answer.body, format!("{headers:?}")));
        }
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{tail}");
    }
    for id in [job.as_str(), gone.as_str(), "unknown"] {
        let answer = world.delete(&format!("/v2/jobs/{id}"), other.bearer()).await;
        assert_eq!(answer.refusal(), refused(404, "Job not found", "job_not_found"));
    }
    assert_eq!(world.engine.recorded().len(), deleted_rows, "the engine was asked nothing");
    for tail in ["", "/transcript", "/log", "/data"] {
        assert_eq!(world.get(&format!("/v2/jobs/{job}{tail}"), mine.bearer()).await.status, 200, "{tail}");
    }
}

/// A client_ref sees and touches only its own jobs; the key of the project, and a temporary key without client_ref, see all. A
/// permanent key with a client_ref is as isolated.
#[tokio::test]
async fn client_refs_are_isolated() {
    let world = World::new().await;
    let key = world.key().await;
    let (ann, bob) = (world.temporary(&key, Some("ann")), world.temporary(&key, Some("bob")));
    let whole = world.temporary(&key, None);
    let permanent_ann =
        world.key_with(|record| record.client_ref = Some(ClientRef::new("ann").unwrap())).await;
    let (of_ann, of_bob) = (world.create(&ann).await, world.create(&bob).await);
    let of_key = world.create(key.bearer()).await;
    let by_permanent = world.create(permanent_ann.bearer()).await;
    for reader in [ann.as_str(), permanent_ann.bearer()] {
        assert_eq!(world.listed("", reader).await, [by_permanent.clone(), of_ann.clone()]);
        assert_eq!(world.get(&format!("/v2/jobs/{of_ann}"), reader).await.status, 200);
        for foreign in [&of_bob, &of_key] {
            for (method, tail) in [
                (Method::GET, ""),
                (Method::GET, "/transcript"),
                (Method::GET, "/data"),
                (Method::DELETE, ""),
            ] {
                let path = format!("/v2/jobs/{foreign}{tail}");
                assert_eq!(Answer::of(world.request(method, &path, reader)).await.status, 404);
            }
        }
        let usage = world.get("/v2/usage", reader).await;
        assert_eq!(usage.refusal(), refused(403, "Forbidden", "usage_needs_project"));
    }
    assert_eq!(world.listed("", &bob).await, std::slice::from_ref(&of_bob));
    let all = [by_permanent, of_key, of_bob.clone(), of_ann];
    for reader in [whole.as_str(), key.bearer()] {
        assert_eq!(world.listed("", reader).await, all);
        assert_eq!(world.get("/v2/usage", reader).await.status, 200);
        assert_eq!(world.get(&format!("/v2/jobs/{of_bob}"), reader).await.status, 200);
    }
    assert!(world.listed("", &world.temporary(&key, Some("Ann"))).await.is_empty(), "compared byte for byte");
}

/// A project's jobs outlive the key that made them, and a new key of the project reads them.
#[tokio::test]
async fn jobs_belong_to_the_project() {
    let world = World::new().await;
    let first = world.key().await;
    let job = world.create(first.bearer()).await;
    let second = world.key().await;
    assert_eq!(world.get(&format!("/v2/jobs/{job}"), second.bearer()).await.status, 200);
}

/// Deleting works once; deleted jobs are gone on every route, and an expired one is 410.
#[tokio::test]
async fn deleted_and_expired() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let answer = world.delete(&format!("/v2/jobs/{job}"), key.bearer()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        (answer.json()["job"]["id"].as_str(), answer.json()["job"]["status"].as_str()),
        (Some(job.as_str()), Some("deleted"))
    );
    assert!(world.engine.jobs().is_empty());
    assert_eq!(world.delete(&format!("/v2/jobs/{job}"), key.bearer()).await.status, 404);

    let old = world.create(key.bearer()).await;
    world.engine.edit(&old, |object| object["status"] = "expired".into());
    let expired = refused(410, "Job Expired", "job_expired");
    assert_eq!(world.get(&format!("/v2/jobs/{old}"), key.bearer()).await.refusal(), expired);
    for tail in ["", "/transcript", "/data"] {
        assert_eq!(world.get(&format!("/v2/jobs/{old}{tail}"), key.bearer()).await.refusal(), expired);
    }
    assert!(world.listed("", key.bearer()).await.is_empty());
    let listed = world.get("/v2/jobs?include_deleted=true", key.bearer()).await.json();
    let told: Vec<_> = listed["jobs"].as_array().unwrap().iter().map(|job| job["status"].clone()).collect();
    assert_eq!(told, ["deleted", "deleted"], "clients can't read other statuses");
}

/// A job stays where it was made.
#[tokio::test]
async fn jobs_stay_in_their_region() {
    let world = World::new().await;
    let key = world.key().await;
    let (here, there) = (world.create(key.bearer()).await, world.create_at(Region::Eu2, key.bearer()).await);
    assert_eq!(world.listed("", key.bearer()).await, std::slice::from_ref(&here));
    assert_eq!(world.get(&format!("/v2/jobs/{there}"), key.bearer()).await.status, 404);
    let at_home = world.request_at(Region::Eu2, Method::GET, &format!("/v2/jobs/{there}"), key.bearer());
    assert_eq!(Answer::of(at_home).await.status, 200);
}
