//! The row that needs a control plane that is lost: an instance on a PostgreSQL that lets nobody in any more.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use testdb::TestDatabase;

use super::rows::due;
use super::{DueEnd, judge, judge_end, refused_session, request};
use crate::Fault;
use crate::arena::recorder::CASE;
use crate::arena::{self, Arena, Tenant, accepted};
use crate::trial::{Trial, Verdict};
use crate::wire::session::{HANDSHAKE, Session};

/// How long the gateway trusts what it knows.
const SETTINGS: &str = "[limits]\nstaleness_seconds_max = 1\n";
/// How long it may take to notice the loss: some heartbeats, on a busy machine.
const NOTICE_SECONDS_MAX: u64 = 90;

pub(super) async fn run(arena: &Arena, trial: &mut Trial, program: &Path) -> Result<(), Fault> {
    let database = TestDatabase::create();
    let more = format!("[database]\nurl = \"{}\"\n{SETTINGS}", database.url());
    let mut other = arena.another(program, &more).await?;
    let home = other.instance.places.home;
    let temporary = arena::mint(home, &other.tenant.key, "rt", json!({})).await?;
    let jobs = || request("GET", "/v2/jobs", &other.tenant.key, "control");
    trial.control("a read while the control plane is there", accepted(&jobs().send(home).await, 200));

    database.set_reachable(false);
    for _ in 0..NOTICE_SECONDS_MAX * 4 {
        if jobs().send(home).await.status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    over_http(arena, trial, home, &other.tenant).await;
    realtime(arena, trial, home, &other.tenant.key, &temporary).await;

    database.set_reachable(true);
    let mut back = jobs().send(home).await;
    for _ in 0..NOTICE_SECONDS_MAX * 4 {
        if back.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        back = jobs().send(home).await;
    }
    trial.control("a read once the control plane is back", accepted(&back, 200));
    trial.panicked(other.instance.panics());
    if !other.instance.is_alive() {
        trial.miss("the instance that lost its control plane is gone");
    }
    Ok(())
}

async fn over_http(arena: &Arena, trial: &mut Trial, home: std::net::SocketAddr, tenant: &Tenant) {
    let job = format!("/v2/jobs/{}", tenant.job);
    for (name, method, path) in [
        ("a list", "GET", "/v2/jobs".to_owned()),
        ("a job", "GET", job.clone()),
        ("a transcript", "GET", format!("{job}/transcript")),
        ("a delete", "DELETE", job),
        ("a job to be made", "POST", "/v2/jobs".to_owned()),
        ("usage", "GET", "/v2/usage".to_owned()),
        ("speech", "POST", "/generate/sarah".to_owned()),
    ] {
        for (who, credential) in [("a good key", tenant.key.as_str()), ("an unknown key", "vgk_unknown")] {
            let case = format!("answers stale: {name}, {who}");
            let asked = request(method, &path, credential, &case).with("content-length", "0");
            let answer = asked.send(home).await;
            // Who it is can't be known either.
            trial.attack(&case, judge_unreached(arena, &case, &answer));
        }
    }
}

/// Nothing may have come to the engine, though it is well.
fn judge_unreached(arena: &Arena, case: &str, answer: &crate::wire::Answer) -> Verdict {
    match arena.recorder.of(case).first() {
        Some(one) => Verdict::Reached(format!("{} {}", one.head.method, one.head.target)),
        None => judge(arena, case, answer, due(503, "Internal Server Error", "stale")),
    }
}

async fn realtime(arena: &Arena, trial: &mut Trial, home: std::net::SocketAddr, key: &str, temporary: &str) {
    for (who, credential) in [("an API key", key), ("a temporary key", temporary)] {
        let case = format!("answers stale: realtime, header, {who}");
        let lines = format!("{CASE}: {case}\r\nauthorization: Bearer {credential}\r\n{HANDSHAKE}");
        let verdict = match Session::open(home, "/v2", &lines).await {
            Ok(_) => Verdict::Otherwise("the upgrade succeeded".to_owned()),
            Err(answer) => judge_unreached(arena, &case, &answer),
        };
        trial.attack(&case, verdict);
    }
    let verdict = match refused_session(Session::with_url(home, temporary).await).await {
        Ok(ending) => judge_end(&ending, DueEnd { kind: "job_error", code: 1011, reason: "stale" }),
        Err(answer) => Verdict::Otherwise(answer.shown()),
    };
    trial.attack("answers stale: realtime, URL", verdict);
}
