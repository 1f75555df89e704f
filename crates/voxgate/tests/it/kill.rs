//! SIGKILL at any moment loses nothing that was acknowledged.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use testkit::{Api, Caller, Process, TestDatabase};
use tokio::task::JoinSet;

const BINARY: &str = env!("CARGO_BIN_EXE_voxgate");
/// Tests that kill, on each database.
const PARTS: usize = 4;
/// Kills on each database, in a soak.
const SOAK_KILLS: usize = 200;
/// Kills on each database, in a usual run.
const KILLS: usize = 80;
/// Clients that work at once while the kill comes.
const CLIENTS: usize = 6;

/// What was acknowledged before a kill.
#[derive(Debug, Default)]
struct Acknowledged {
    keys: Vec<String>,
    revoked: Vec<String>,
    /// Job and the key that made it.
    jobs: Vec<(String, String)>,
}

impl Acknowledged {
    fn len(&self) -> usize {
        self.keys.len() + self.revoked.len() + self.jobs.len()
    }
}

/// A client that makes keys and jobs and revokes every second key, until the server is gone. It notes a thing only once
/// its answer arrived whole; what was under way then may have happened or not.
async fn work(api: Api, manager: Caller, project: i64, notes: Arc<Mutex<Acknowledged>>) {
    let client = reqwest::Client::new();
    let mut round = 0_usize;
    loop {
        round += 1;
        let body = json!({"project_id": project, "name": "load"});
        let Some(key) = try_json(sign(&client, &manager).post(&api, "/v1/api-keys").json(&body), 201).await
        else {
            return;
        };
        let secret = key["key_value"].as_str().unwrap().to_owned();
        notes.lock().unwrap().keys.push(secret.clone());
        let caller = Caller::api_key(&secret);
        let part = reqwest::multipart::Part::bytes(testkit::speech_wav()).file_name("a.wav");
        let form =
            reqwest::multipart::Form::new().text("config", testkit::JOB_CONFIG).part("data_file", part);
        let Some(job) = try_json(sign(&client, &caller).post(&api, "/v2/jobs").multipart(form), 201).await
        else {
            return;
        };
        notes.lock().unwrap().jobs.push((job["id"].as_str().unwrap().to_owned(), secret.clone()));
        if round.is_multiple_of(2) {
            let path = format!("/v1/api-keys/{}", key["apikey_id"].as_str().unwrap());
            // From now on the key may be revoked or not; only the answer makes it certain.
            notes.lock().unwrap().keys.retain(|other| *other != secret);
            if try_json(sign(&client, &manager).delete(&api, &path), 200).await.is_none() {
                notes.lock().unwrap().jobs.retain(|(_, owner)| *owner != secret);
                return;
            }
            let mut notes = notes.lock().unwrap();
            notes.jobs.retain(|(_, owner)| *owner != secret);
            notes.revoked.push(secret);
        }
    }
}

struct Signed<'a> {
    client: &'a reqwest::Client,
    caller: &'a Caller,
}

fn sign<'a>(client: &'a reqwest::Client, caller: &'a Caller) -> Signed<'a> {
    Signed { client, caller }
}

impl Signed<'_> {
    fn post(&self, api: &Api, path: &str) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{path}", api.base()))
            .header("authorization", self.caller.header_values().remove(0))
    }

    fn delete(&self, api: &Api, path: &str) -> reqwest::RequestBuilder {
        self.client
            .delete(format!("{}{path}", api.base()))
            .header("authorization", self.caller.header_values().remove(0))
    }
}

/// The answer, if it arrives whole; a server that is dead gives none. An answer of another status is a mistake.
async fn try_json(request: reqwest::RequestBuilder, status: u16) -> Option<serde_json::Value> {
    let response = request.send().await.ok()?;
    let found = response.status().as_u16();
    let body = response.bytes().await.ok()?;
    let value = serde_json::from_slice(&body).ok()?;
    // A server that is dying may not reach its engine any more.
    assert!(found == status || found >= 500, "{found}: {value}");
    (found == status).then_some(value)
}

/// Everything that was noted is as it was acknowledged.
async fn check(server: &Process, notes: &Acknowledged) {
    let home = server.home();
    for secret in &notes.keys {
        home.get("/v2/jobs?limit=1", &Caller::api_key(secret)).await.expect(200);
    }
    for secret in &notes.revoked {
        home.get("/v2/jobs?limit=1", &Caller::api_key(secret))
            .await
            .expect_refusal(401, "credential_revoked");
    }
    for (job, secret) in &notes.jobs {
        home.get(&format!("/v2/jobs/{job}"), &Caller::api_key(secret)).await.expect(200);
    }
}

#[expect(clippy::disallowed_methods, reason = "xtask says how long tests go on")]
fn kills() -> usize {
    let all = if std::env::var("VOXGATE_TEST_SOAK").is_ok() { SOAK_KILLS } else { KILLS };
    all / PARTS
}

/// Kills under load: after each start, every acknowledged key lets in, every acknowledged revocation refuses, and every
/// acknowledged job belongs to whom it was made for.
async fn kills_lose_nothing(database: Option<TestDatabase>, part: usize) {
    let folder = tempfile::tempdir().unwrap();
    let url = database.as_ref().map(TestDatabase::url);
    let start = async || Process::start_on(Path::new(BINARY), folder.path(), url.as_deref(), &[]).await;
    let mut server = start().await;
    let mut total = Acknowledged::default();
    let kills = kills();
    for round in 0..kills {
        let notes = Arc::new(Mutex::new(Acknowledged::default()));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let project = server.report().project_id;
            clients.spawn(work(server.home(), server.manager(), project, Arc::clone(&notes)));
        }
        // Each round is killed at another point of its work.
        let enough = 1 + (round * PARTS + part) * 7 % 40;
        testkit::eventually("work to be done", || async {
            (notes.lock().unwrap().len() >= enough).then_some(())
        })
        .await;
        server.kill().await;
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
        }
        server = start().await;
        let notes = std::mem::take(&mut *notes.lock().unwrap());
        check(&server, &notes).await;
        total.keys.extend(notes.keys);
        total.revoked.extend(notes.revoked);
        total.jobs.extend(notes.jobs);
    }
    // And nothing of the earlier rounds was lost by a later one.
    check(&server, &total).await;
    assert!(
        total.keys.len() > kills && total.revoked.len() > kills && total.jobs.len() > kills,
        "too little work"
    );
    assert!(server.terminate().await.0);
}

macro_rules! parts {
    ($module:ident: $database:expr; $($name:ident = $part:literal),+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::kills_lose_nothing($database, $part).await;
                }
            )+
        }
    };
}

parts!(on_sqlite: None; part_0 = 0, part_1 = 1, part_2 = 2, part_3 = 3);
parts!(on_postgres: Some(testkit::instance_database()); part_0 = 0, part_1 = 1, part_2 = 2, part_3 = 3);
