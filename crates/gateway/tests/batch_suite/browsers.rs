//! What browsers and caches may do with an answer: nothing, whoever gave it.

use reqwest::{Client, Method};

use crate::engine::PRESUMED;
use crate::world::{Answer, FORBIDDING, Setup, World};

const CACHE: &str = "cache-control";
const NAME: &str = "content-disposition";

/// Fails unless an answer carries each of these once, as we say it.
#[track_caller]
fn carries(answer: &Answer, expected: &[(&str, &str)], what: &str) {
    for (name, value) in expected {
        let found: Vec<_> = answer.headers.get_all(*name).iter().collect();
        assert_eq!(found, [value], "{name} of {what}");
    }
}

/// Every answer, given or passed on, over both protocols, forbids guessing at its type, keeping it and making a page of it,
/// whatever the engine says of that; no file is named by an engine.
#[tokio::test]
async fn every_answer_forbids() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    world.engine.finish(&job, 4);
    let path = |rest: &str| format!("/v2/jobs/{job}{rest}");
    let http2 = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    for (method, path, bearer, status) in [
        (Method::GET, "/v2/jobs", key.bearer(), 200),
        (Method::POST, "/v2/jobs", key.bearer(), 201),
        (Method::GET, path("").as_str(), key.bearer(), 200),
        (Method::HEAD, path("").as_str(), key.bearer(), 200),
        (Method::GET, path("/transcript").as_str(), key.bearer(), 200),
        (Method::GET, path("/transcript?format=txt").as_str(), key.bearer(), 200),
        (Method::GET, path("/log").as_str(), key.bearer(), 200),
        (Method::GET, "/v2/usage", key.bearer(), 200),
        (Method::POST, "/generate/sarah", key.bearer(), 200),
        (Method::OPTIONS, "/v2/jobs", "", 204),
        (Method::GET, "/v2//jobs", key.bearer(), 400),
        (Method::GET, "/v2/jobs", "nonsense", 401),
        (Method::GET, "/v2/jobs/unknown", key.bearer(), 404),
        (Method::GET, "/nothing", "", 404),
        (Method::PUT, "/v2/jobs", key.bearer(), 405),
        (Method::GET, "/v2/jobs?limit=0", key.bearer(), 422),
    ] {
        let url = format!("http://{}{path}", world.port(domain::Region::Eu1));
        for client in [&world.client, &http2] {
            let answer = Answer::of(client.request(method.clone(), &url).bearer_auth(bearer)).await;
            let what = format!("{method} {path}");
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            carries(&answer, &FORBIDDING, &what);
            assert!(!answer.headers.contains_key(NAME), "{what}");
            assert_eq!(answer.headers.contains_key("access-control-max-age"), status == 204, "{what}");
        }
    }
    assert_eq!(
        Answer::of(world.request(Method::OPTIONS, "/v2/jobs", "")).await.headers["access-control-max-age"],
        "600"
    );
}

/// A job's audio is saved under a name of ours, also where it is only said that a range isn't there, and kept by no cache.
#[tokio::test]
async fn audio_is_a_file_of_ours() {
    let world = World::new().await;
    let key = world.key().await;
    let job = world.create(key.bearer()).await;
    let path = format!("/v2/jobs/{job}/data");
    let attachment = [(NAME, "attachment; filename=\"audio\"")];
    let whole = world.get(&path, key.bearer()).await;
    world.engine.answer_next(416, "");
    let beyond = world.get(&path, key.bearer()).await;
    for (answer, status) in [(whole, 200), (beyond, 416)] {
        assert_eq!(answer.status, status);
        carries(&answer, &attachment, "the audio");
        carries(&answer, &FORBIDDING, "the audio");
    }
    let refused = world.get(&path, "nonsense").await;
    assert_eq!((refused.status.as_u16(), refused.headers.contains_key(NAME)), (401, false));
}

/// The public list of features is kept as long as the engine says, and only that is the engine's to say: where it says nothing
/// nothing is said, and a refusal in its place is kept by nobody.
#[tokio::test]
async fn features_may_be_kept() {
    let world = World::with(Setup::default()).await;
    let path = "/v1/discovery/features";
    let theirs = PRESUMED.iter().find(|(name, _)| *name == CACHE).unwrap();
    let ours = FORBIDDING.into_iter().filter(|(name, _)| *name != CACHE).collect::<Vec<_>>();
    let told = world.get(path, "").await;
    assert_eq!((told.status.as_u16(), told.headers.contains_key(NAME)), (200, false));
    carries(&told, &[*theirs], "features");
    carries(&told, &ours, "features");
    world.engine.answer_next(200, "{}");
    let silent = world.get(path, "").await;
    assert_eq!((silent.status.as_u16(), silent.headers.contains_key(CACHE)), (200, false));
    carries(&silent, &ours, "features");
    for status in [404, 500] {
        world.engine.answer_next(status, "{}");
        let refused = world.get(path, "").await;
        assert!(!refused.status.is_success());
        carries(&refused, &FORBIDDING, "a refusal");
    }
}
