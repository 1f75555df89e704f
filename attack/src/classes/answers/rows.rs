//! The rows that are told before anything begins.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::cast::Cast;
use super::{Due, DueEnd, judge, judge_end, refused_session, request};
use crate::Fault;
use crate::arena::recorder::{CASE, TAG};
use crate::arena::{Arena, accepted};
use crate::trial::{Trial, Verdict};
use crate::wire::session::{HANDSHAKE, Session};

const DENIED: &str = "Permission Denied";

pub(super) fn due(status: u16, error: &'static str, reason: &'static str) -> Due {
    Due { status, error, reason }
}

pub(super) async fn run(arena: &Arena, trial: &mut Trial, cast: &Cast) -> Result<(), Fault> {
    controls(arena, trial, cast).await;
    refused_everywhere(arena, trial, cast).await;
    missing_and_ambiguous(arena, trial).await;
    over_http(arena, trial, cast).await?;
    realtime(arena, trial, cast).await;
    jobs(arena, trial).await?;
    Ok(())
}

async fn controls(arena: &Arena, trial: &mut Trial, cast: &Cast) {
    let places = arena.places();
    for (name, place, method, path, credential, status) in [
        ("a read with the key", places.home, "GET", "/v2/jobs", &arena.mine.key, 200),
        ("a read with a temporary key", places.home, "GET", "/v2/jobs", &cast.batch, 200),
        ("usage with the key", places.home, "GET", "/v2/usage", &arena.mine.key, 200),
        ("projects with the manager", places.home, "GET", "/v1/projects", &arena.mine.manager, 200),
        ("projects with the reader", places.home, "GET", "/v1/projects", &cast.reader, 200),
        ("another area's key in its area", places.us1, "GET", "/v2/jobs", &cast.usa_key, 200),
    ] {
        let answer = request(method, path, credential, "control").send(place).await;
        trial.control(name, accepted(&answer, status));
    }
    for (name, opened) in [
        ("a session by the header", Session::with_header(places.home, &arena.mine.key).await),
        ("a session by the URL", Session::with_url(places.home, &cast.rt).await),
        ("a session of another area", Session::with_url(places.us1, &cast.usa_token).await),
        (
            "a session of the right page",
            Session::open(
                places.home,
                &format!("/v2?jwt={}", cast.page_rt),
                &format!("origin: https://app.example\r\n{HANDSHAKE}"),
            )
            .await,
        ),
    ] {
        let outcome = match opened {
            Ok(mut session) => {
                session.start().await;
                if session.until("RecognitionStarted").await { Ok(()) } else { Err("it ended".to_owned()) }
            }
            Err(answer) => Err(answer.shown()),
        };
        trial.control(name, outcome);
    }
}

/// Rows 2 to 5: what is malformed, unknown, forged, over, early or revoked, on all five surfaces.
async fn refused_everywhere(arena: &Arena, trial: &mut Trial, cast: &Cast) {
    let home = arena.home();
    for bad in &cast.bad {
        let (what, reason) = (bad.what, bad.reason);
        for (surface, method, path, error) in [
            ("mint", "POST", "/v1/api_keys?type=rt", "Unauthorized"),
            ("jobs", "GET", "/v2/jobs", DENIED),
            ("job", "GET", "/v2/jobs/abcdefghij/transcript", DENIED),
            ("create", "POST", "/v2/jobs", DENIED),
            ("usage", "GET", "/v2/usage", DENIED),
        ] {
            let case = format!("answers {reason}, {what}: {surface}");
            let mut asked = request(method, path, &bad.credential, &case);
            if surface == "mint" {
                asked = asked.json(&json!({"ttl": 60}));
            } else if method == "POST" {
                asked = asked.with("content-length", "0");
            }
            let answer = asked.send(home).await;
            trial.attack(&case, judge(arena, &case, &answer, due(401, error, reason)));
        }
        let case = format!("answers {reason}, {what}: management");
        let answer = request("GET", "/v1/projects", &bad.credential, &case).send(home).await;
        // Management tokens alone are credentials there.
        trial.attack(&case, judge(arena, &case, &answer, due(401, "Unauthorized", "credential_unknown")));
        let case = format!("answers {reason}, {what}: realtime, header");
        let lines = format!("{CASE}: {case}\r\nauthorization: Bearer {}\r\n{HANDSHAKE}", bad.credential);
        let verdict = match Session::open(home, "/v2", &lines).await {
            Ok(_) => Verdict::Otherwise("the upgrade succeeded".to_owned()),
            Err(answer) => judge(arena, &case, &answer, due(401, DENIED, reason)),
        };
        trial.attack(&case, verdict);
        let case = format!("answers {reason}, {what}: realtime, URL");
        let is_key =
            bad.credential.starts_with("vgk_") && !["a bad checksum", "a key cut short"].contains(&what);
        let reason = if is_key { "api_key_in_url" } else { reason };
        // A long-lived key that is over or revoked is told so first.
        let verdict = match refused_session(Session::with_url(home, &bad.credential).await).await {
            Err(answer) => Verdict::Otherwise(answer.shown()),
            Ok(ending) => {
                let told = judge_end(&ending, DueEnd { kind: "not_authorised", code: 4001, reason });
                let own =
                    judge_end(&ending, DueEnd { kind: "not_authorised", code: 4001, reason: bad.reason });
                if own == Verdict::Held { own } else { told }
            }
        };
        trial.attack(&case, verdict);
    }
}

async fn missing_and_ambiguous(arena: &Arena, trial: &mut Trial) {
    let home = arena.home();
    let key = &arena.mine.key;
    for (surface, method, path, more, error) in [
        ("mint", "POST", "/v1/api_keys?type=rt", "content-length: 0\r\n", "Unauthorized"),
        ("jobs", "GET", "/v2/jobs", "", DENIED),
        ("create", "POST", "/v2/jobs", "content-length: 0\r\n", DENIED),
        ("realtime", "GET", "/v2", HANDSHAKE, DENIED),
        ("management", "GET", "/v1/projects", "", "Unauthorized"),
    ] {
        for (name, auth) in [
            ("none", String::new()),
            ("empty", "authorization:\r\n".to_owned()),
            ("Bearer", "authorization: Bearer\r\n".to_owned()),
            ("Bearer None", "authorization: Bearer None\r\n".to_owned()),
            ("Bearer null", "authorization: Bearer null\r\n".to_owned()),
            ("Bearer undefined", "authorization: Bearer undefined\r\n".to_owned()),
        ] {
            let case = format!("answers credential_missing, {name}: {surface}");
            let bytes =
                format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n{auth}{more}\r\n");
            let answer = crate::wire::ask(home, bytes.as_bytes()).await;
            trial.attack(&case, judge(arena, &case, &answer, due(401, error, "credential_missing")));
        }
        let case = format!("answers credential_ambiguous: {surface}");
        let auth = format!("authorization: Bearer {key}\r\n").repeat(2);
        let bytes =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{CASE}: {case}\r\n{auth}{more}\r\n");
        let answer = crate::wire::ask(home, bytes.as_bytes()).await;
        let error = if error == DENIED { "Malformed request" } else { "Bad Request" };
        trial.attack(&case, judge(arena, &case, &answer, due(400, error, "credential_ambiguous")));
    }
    for query in ["jwt=a&jwt=b", "jwt=a&%6awt=b", "jwt&jwt=a", "jwt=&jwt="] {
        let case = format!("answers credential_ambiguous: two parameters {query}");
        let verdict =
            match Session::open(home, &format!("/v2?{query}"), &format!("{CASE}: {case}\r\n{HANDSHAKE}"))
                .await
            {
                Ok(_) => Verdict::Otherwise("the upgrade succeeded".to_owned()),
                Err(answer) => {
                    judge(arena, &case, &answer, due(400, "Malformed request", "credential_ambiguous"))
                }
            };
        trial.attack(&case, verdict);
    }
}

/// A row: its name, where, which request with which body, as whom, and what is due.
type Row<'a> = (&'static str, SocketAddr, &'static str, String, Option<Value>, &'a str, Due);

/// The rows that need a credential which is good for something else.
async fn over_http(arena: &Arena, trial: &mut Trial, cast: &Cast) -> Result<(), Fault> {
    let places = arena.places();
    let mine = &arena.mine;
    let mint = |product: &str| format!("/v1/api_keys?type={product}");
    let unknown_key = "/v1/api-keys/key_00000000000000000000000000";
    let (gone, _) = arena.key_of(mine, json!({})).await?;
    arena.manage(&mine.manager, "DELETE", &format!("/v1/api-keys/{gone}"), None, 200).await?;
    let rows: Vec<Row<'_>> = vec![
        (
            "cannot_mint: temporary key",
            places.home,
            "POST",
            mint("rt"),
            Some(json!({"ttl": 60})),
            &cast.rt,
            due(403, "Forbidden", "cannot_mint"),
        ),
        (
            "cannot_mint: management token",
            places.home,
            "POST",
            mint("rt"),
            Some(json!({"ttl": 60})),
            &mine.manager,
            due(403, "Forbidden", "cannot_mint"),
        ),
        (
            "wrong_product: mint",
            places.home,
            "POST",
            mint("batch"),
            Some(json!({"ttl": 60})),
            &cast.rt_key,
            due(403, "Forbidden", "wrong_product"),
        ),
        (
            "wrong_product: jobs, temporary key",
            places.home,
            "GET",
            "/v2/jobs".to_owned(),
            None,
            &cast.rt,
            due(403, "Forbidden", "wrong_product"),
        ),
        (
            "wrong_product: jobs, API key",
            places.home,
            "GET",
            "/v2/jobs".to_owned(),
            None,
            &cast.rt_key,
            due(403, "Forbidden", "wrong_product"),
        ),
        (
            "wrong_product: speech",
            places.home,
            "POST",
            "/generate/sarah".to_owned(),
            Some(json!({})),
            &cast.batch,
            due(403, "Forbidden", "wrong_product"),
        ),
        (
            "wrong_area: mint",
            places.home,
            "POST",
            mint("rt"),
            Some(json!({"ttl": 60, "region": "eu"})),
            &cast.usa_key,
            due(403, "Forbidden", "wrong_area"),
        ),
        (
            "wrong_area: jobs",
            places.home,
            "GET",
            "/v2/jobs".to_owned(),
            None,
            &cast.usa_key,
            due(403, "Forbidden", "wrong_area"),
        ),
        (
            "plan_required: jobs",
            places.eu2,
            "GET",
            "/v2/jobs".to_owned(),
            None,
            &cast.pro_key,
            due(403, "Forbidden", "plan_required"),
        ),
        (
            "network_denied: mint",
            places.home,
            "POST",
            mint("rt"),
            Some(json!({"ttl": 60})),
            &cast.elsewhere_key,
            due(403, "Forbidden", "network_denied"),
        ),
        (
            "network_denied: jobs",
            places.home,
            "GET",
            "/v2/jobs".to_owned(),
            None,
            &cast.elsewhere_key,
            due(403, "Forbidden", "network_denied"),
        ),
        (
            "permission_missing: read",
            places.home,
            "GET",
            "/v1/api-keys".to_owned(),
            None,
            &cast.reader,
            due(403, "Forbidden", "permission_missing"),
        ),
        (
            "permission_missing: create",
            places.home,
            "POST",
            "/v1/projects".to_owned(),
            Some(json!({"name": "x"})),
            &cast.reader,
            due(403, "Forbidden", "permission_missing"),
        ),
        (
            "usage_needs_project",
            places.home,
            "GET",
            "/v2/usage".to_owned(),
            None,
            &cast.bound,
            due(403, "Forbidden", "usage_needs_project"),
        ),
        (
            "invalid_value: jobs",
            places.home,
            "GET",
            "/v2/jobs?limit=x".to_owned(),
            None,
            &mine.key,
            due(422, "Unprocessable Entity", "invalid_value"),
        ),
        (
            "invalid_value: mint",
            places.home,
            "POST",
            mint("rt"),
            Some(json!({"ttl": 1})),
            &mine.key,
            due(422, "Unprocessable Entity", "invalid_value"),
        ),
        (
            "invalid_value: mint, type",
            places.home,
            "POST",
            mint("voice"),
            Some(json!({"ttl": 60})),
            &mine.key,
            due(422, "Unprocessable Entity", "invalid_value"),
        ),
        (
            "invalid_value: management",
            places.home,
            "POST",
            "/v1/projects".to_owned(),
            Some(json!({"name": 5})),
            &mine.manager,
            due(422, "Unprocessable Entity", "invalid_value"),
        ),
        (
            "not_found: unknown key",
            places.home,
            "DELETE",
            unknown_key.to_owned(),
            None,
            &mine.manager,
            due(404, "Not Found", "not_found"),
        ),
        (
            "not_found: second delete",
            places.home,
            "DELETE",
            format!("/v1/api-keys/{gone}"),
            None,
            &mine.manager,
            due(404, "Not Found", "not_found"),
        ),
        (
            "not_found: another's key",
            places.home,
            "DELETE",
            format!("/v1/api-keys/{}", arena.theirs.key_id),
            None,
            &mine.manager,
            due(404, "Not Found", "not_found"),
        ),
        (
            "not_found: unknown project",
            places.home,
            "GET",
            "/v1/projects/999999".to_owned(),
            None,
            &mine.manager,
            due(404, "Not Found", "not_found"),
        ),
        (
            "not_found: another's project",
            places.home,
            "GET",
            format!("/v1/projects/{}", arena.theirs.project_id),
            None,
            &mine.manager,
            due(404, "Not Found", "not_found"),
        ),
        (
            "engine_down: create",
            places.eu2,
            "POST",
            "/v2/jobs".to_owned(),
            Some(json!({})),
            &mine.key,
            due(503, "Internal Server Error", "engine_down"),
        ),
    ];
    for (name, place, method, path, body, credential, expected) in rows {
        let case = format!("answers {name}");
        let asked = request(method, &path, credential, &case);
        let answer = body.iter().fold(asked, |asked, body| asked.json(body)).send(place).await;
        trial.attack(&case, judge(arena, &case, &answer, expected));
    }
    Ok(())
}

async fn realtime(arena: &Arena, trial: &mut Trial, cast: &Cast) {
    let home = arena.home();
    for (name, credential, reason, kind, code, more) in [
        ("wrong_product", &cast.batch, "wrong_product", "not_authorised", 4001, ""),
        ("wrong_area", &cast.usa_token, "wrong_area", "not_allowed", 4003, ""),
        ("network_denied", &cast.elsewhere_rt, "network_denied", "not_allowed", 4003, ""),
        ("origin_denied, none", &cast.page_rt, "origin_denied", "not_allowed", 4003, ""),
        (
            "origin_denied, another",
            &cast.page_rt,
            "origin_denied",
            "not_allowed",
            4003,
            "origin: https://app.example.evil\r\n",
        ),
        (
            "origin_denied, two",
            &cast.page_rt,
            "origin_denied",
            "not_allowed",
            4003,
            "origin: https://app.example\r\norigin: https://evil.example\r\n",
        ),
        ("origin_denied, null", &cast.page_rt, "origin_denied", "not_allowed", 4003, "origin: null\r\n"),
    ] {
        let case = format!("answers {name}: realtime, header");
        let lines = format!("{CASE}: {case}\r\nauthorization: Bearer {credential}\r\n{more}{HANDSHAKE}");
        let verdict = match Session::open(home, "/v2", &lines).await {
            Ok(_) => Verdict::Otherwise("the upgrade succeeded".to_owned()),
            Err(answer) => judge(arena, &case, &answer, due(403, "Forbidden", reason)),
        };
        trial.attack(&case, verdict);
        let case = format!("answers {name}: realtime, URL");
        let lines = format!("{CASE}: {case}\r\n{more}{HANDSHAKE}");
        let opened = Session::open(home, &format!("/v2?jwt={credential}"), &lines).await;
        let verdict = match refused_session(opened).await {
            Ok(ending) => judge_end(&ending, DueEnd { kind, code, reason }),
            Err(answer) => Verdict::Otherwise(answer.shown()),
        };
        trial.attack(&case, verdict);
    }
    let case = "answers api_key_in_url";
    let verdict = match refused_session(Session::with_url(home, &arena.mine.key).await).await {
        Ok(ending) => {
            judge_end(&ending, DueEnd { kind: "not_authorised", code: 4001, reason: "api_key_in_url" })
        }
        Err(answer) => Verdict::Otherwise(answer.shown()),
    };
    trial.attack(case, verdict);
    // The engine refuses the session.
    let lines = format!("{TAG}: upgrade-503\r\nauthorization: Bearer {}\r\n{HANDSHAKE}", arena.mine.key);
    let verdict = match Session::open(home, "/v2", &lines).await {
        Ok(_) => Verdict::Otherwise("the upgrade succeeded".to_owned()),
        Err(answer) => super::compare(&answer, due(503, "Internal Server Error", "engine_down")),
    };
    trial.attack("answers engine_down: realtime, header", verdict);
    let lines = format!("{TAG}: upgrade-503\r\n{HANDSHAKE}");
    let opened = Session::open(home, &format!("/v2?jwt={}", cast.rt), &lines).await;
    let verdict = match refused_session(opened).await {
        Ok(ending) => judge_end(&ending, DueEnd { kind: "job_error", code: 1011, reason: "engine_down" }),
        Err(answer) => Verdict::Otherwise(answer.shown()),
    };
    trial.attack("answers engine_down: realtime, URL", verdict);
}

/// Jobs that are unknown, another's, deleted: the same bytes. One that the engine calls expired: 410, from then on.
async fn jobs(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let home = arena.home();
    let key = &arena.mine.key;
    let deleted = arena.job(key).await?;
    let answer =
        request("DELETE", &format!("/v2/jobs/{deleted}?force=true"), key, "control").send(home).await;
    trial.control("a delete of an own job", accepted(&answer, 200));
    let expired = arena.job(key).await?;
    let asked = request("GET", &format!("/v2/jobs/{expired}"), key, "control").with(TAG, "status-410");
    let answer = asked.send(home).await;
    trial.control("a job that the engine calls expired", accepted(&answer, 410));
    for rest in ["", "/", "/transcript", "/data", "/log"] {
        let mut bodies = Vec::new();
        for (name, id) in [("unknown", "abcdefghij"), ("foreign", &arena.theirs.job), ("deleted", &deleted)] {
            let case = format!("answers job_not_found: {name}{rest}");
            let answer = request("GET", &format!("/v2/jobs/{id}{rest}"), key, &case).send(home).await;
            trial.attack(&case, judge(arena, &case, &answer, due(404, "Job not found", "job_not_found")));
            bodies.push(answer.body);
        }
        let same = bodies.iter().all(|body| *body == bodies[0]);
        trial.attack(
            format!("answers job_not_found{rest}: the same bytes"),
            Verdict::held_if(same, || {
                format!("{:?}", bodies.iter().map(|body| String::from_utf8_lossy(body)).collect::<Vec<_>>())
            }),
        );
        let case = format!("answers job_expired{rest}");
        let answer = request("GET", &format!("/v2/jobs/{expired}{rest}"), key, &case).send(home).await;
        trial.attack(&case, judge(arena, &case, &answer, due(410, "Job Expired", "job_expired")));
    }
    Ok(())
}
