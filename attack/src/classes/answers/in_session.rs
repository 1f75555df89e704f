//! The rows that end a session, or keep one more from beginning.

use serde_json::json;

use super::{DueEnd, judge_end, refused_session};
use crate::Fault;
use crate::arena::{Arena, text};
use crate::trial::{Trial, Verdict};
use crate::wire::frame::{self, build};
use crate::wire::session::{MASK, START, Session};

pub(super) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    counts(arena, trial).await?;
    clocks(arena, trial).await?;
    locks(arena, trial).await?;
    revocations(arena, trial).await
}

/// Opens one that begins, by the URL.
async fn begun(arena: &Arena, token: &str) -> Result<Session, Fault> {
    let mut session = Session::with_url(arena.home(), token).await.map_err(|answer| answer.shown())?;
    session.start().await;
    if session.until("RecognitionStarted").await { Ok(session) } else { Err("the session ended".to_owned()) }
}

async fn refused(arena: &Arena, token: &str, due: DueEnd) -> Verdict {
    match refused_session(Session::with_url(arena.home(), token).await).await {
        Ok(ending) => judge_end(&ending, due),
        Err(answer) => Verdict::Otherwise(answer.shown()),
    }
}

async fn refused_by_header(arena: &Arena, credential: &str, due: DueEnd) -> Verdict {
    match refused_session(Session::with_header(arena.home(), credential).await).await {
        Ok(ending) => judge_end(&ending, due),
        Err(answer) => Verdict::Otherwise(answer.shown()),
    }
}

async fn counts(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let full = |reason| DueEnd { kind: "quota_exceeded", code: 4005, reason };
    let single = arena.mint(&arena.mine.key, "rt", json!({"max_sessions": 1})).await?;
    let open = begun(arena, &single).await;
    trial.control("the first session of max_sessions", open.as_ref().map(|_| ()).map_err(Clone::clone));
    trial.attack(
        "answers sessions_full: max_sessions, URL",
        refused(arena, &single, full("sessions_full")).await,
    );
    trial.attack(
        "answers sessions_full: max_sessions, header",
        refused_by_header(arena, &single, full("sessions_full")).await,
    );
    drop(open);
    let once = arena.mint(&arena.mine.key, "rt", json!({"uses": 1})).await?;
    let open = begun(arena, &once).await;
    trial.control("the first of uses", open.as_ref().map(|_| ()).map_err(Clone::clone));
    drop(open);
    trial.attack("answers uses_spent: URL", refused(arena, &once, full("uses_spent")).await);
    trial.attack("answers uses_spent: header", refused_by_header(arena, &once, full("uses_spent")).await);

    let small = arena.workspace("small").await?;
    let body = json!({"limits": {"concurrent_sessions_max": 1}});
    let path = format!("/v1/workspaces/{}", small.workspace_id);
    arena.manage(&arena.operator, "PATCH", &path, Some(&body), 200).await?;
    let (_, key) = arena.key_in(&small, json!({})).await?;
    let token = arena.mint(&key, "rt", json!({})).await?;
    let open = begun(arena, &token).await;
    trial.control("the first session of a project", open.as_ref().map(|_| ()).map_err(Clone::clone));
    trial.attack("answers sessions_full: project, URL", refused(arena, &token, full("sessions_full")).await);
    trial.attack(
        "answers sessions_full: project, header",
        refused_by_header(arena, &key, full("sessions_full")).await,
    );
    Ok(())
}

async fn clocks(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let token = arena.mint(&arena.mine.key, "rt", json!({"max_session_seconds": 1})).await?;
    let mut session = begun(arena, &token).await?;
    let due = DueEnd { kind: "session_timeout", code: 1008, reason: "" };
    trial.attack("answers session_over: max_session_seconds", judge_end(&session.ending().await, due));

    let token = arena.mint(&arena.mine.key, "rt", json!({"max_audio_seconds": 1})).await?;
    let mut session = begun(arena, &token).await?;
    // Three seconds of sound, in parts.
    for _ in 0..30 {
        session.send(&build(frame::BINARY, &[0; 3200], MASK)).await;
    }
    let due = DueEnd { kind: "timelimit_exceeded", code: 4006, reason: "" };
    trial.attack("answers audio_spent: max_audio_seconds", judge_end(&session.ending().await, due));
    trial.attack(
        "answers audio_spent: one more session",
        refused(arena, &token, DueEnd { kind: "timelimit_exceeded", code: 4006, reason: "audio_spent" })
            .await,
    );

    let mut claims = arena.claims("rt").await?;
    let now = claims["iat"].as_i64().unwrap_or_default();
    claims["exp"] = json!(now + 3);
    claims["leash"] = json!({"end_at_expiry": true});
    let mut session = begun(arena, &arena.forge.of_claims(&claims)).await?;
    let due = DueEnd { kind: "not_authorised", code: 4001, reason: "" };
    trial.attack("answers credential_expired: end_at_expiry", judge_end(&session.ending().await, due));
    Ok(())
}

async fn locks(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let lock = json!({"lock": {"transcription_config": {"language": "en"}}});
    let token = arena.mint(&arena.mine.key, "rt", lock).await?;
    let open = begun(arena, &token).await;
    trial.control("a session within its lock", open.map(|_| ()));
    let start = String::from_utf8_lossy(START).into_owned();
    for (name, message) in [
        ("another language", start.replace("\"en\"", "\"de\"")),
        ("no language", start.replace("\"language\":\"en\"", "\"x\":1")),
        ("no configuration", start.replace("transcription_config", "other_config")),
        (
            "the language twice",
            start.replace("\"language\":\"en\"", "\"language\":\"en\",\"language\":\"de\""),
        ),
        (
            "the language in capitals beside",
            start.replace("\"language\":\"en\"", "\"language\":\"en\",\"Language\":\"de\""),
        ),
        (
            "the configuration twice",
            start.replace(
                "\"transcription_config\"",
                "\"transcription_config\":{\"language\":\"de\"},\"transcription_config\"",
            ),
        ),
        ("another type", start.replace("\"en\"", "[\"en\"]")),
        ("escaped", start.replace("\"language\":\"en\"", "\"l\\u0061nguage\":\"de\",\"language\":\"en\"")),
    ] {
        let case = format!("answers lock_broken: {name}");
        let mut session = Session::with_url(arena.home(), &token).await.map_err(|answer| answer.shown())?;
        session.send(&build(frame::TEXT, message.as_bytes(), MASK)).await;
        let ending = session.ending().await;
        let fine = ending.kind == "not_allowed" && ending.code == 4003 || ending.kind == "protocol_error";
        trial.attack(&case, Verdict::held_if(fine, || format!("{ending:?}")));
    }
    Ok(())
}

/// Whatever a session hangs on can be taken away while it is open.
async fn revocations(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let manager = &arena.mine.manager;
    let (id, key) = arena.key_of(&arena.mine, json!({})).await?;
    let token = arena.mint(&key, "rt", json!({"client_ref": "ended"})).await?;
    let mut by_key = begun(arena, &token).await?;
    arena.manage(manager, "DELETE", &format!("/v1/api-keys/{id}"), None, 200).await?;
    let gone = DueEnd { kind: "not_authorised", code: 4001, reason: "" };
    trial.attack(
        "answers credential_revoked: an open session, by its key",
        judge_end(&by_key.ending().await, gone),
    );

    let token = arena.mint(&arena.mine.key, "rt", json!({"client_ref": "leaving"})).await?;
    let mut by_ref = begun(arena, &token).await?;
    let body = json!({"client_ref": "leaving", "project_id": arena.mine.project_id});
    arena.manage(manager, "POST", "/v1/temporary-keys/revoke", Some(&body), 200).await?;
    trial.attack(
        "answers credential_revoked: an open session, by its client_ref",
        judge_end(&by_ref.ending().await, gone),
    );

    let token = arena.mint(&arena.mine.key, "rt", json!({"client_ref": "listed"})).await?;
    let mut ended = begun(arena, &token).await?;
    let list = arena.manage(manager, "GET", "/v1/sessions?client_ref=listed", None, 200).await?;
    let session_id = text(&list["sessions"][0], "session_id")?;
    let path = format!("/v1/sessions/{session_id}");
    let foreign =
        crate::wire::Request::new("DELETE", &path).bearer(&arena.theirs.manager).send(arena.home()).await;
    let verdict = Verdict::held_if(foreign.status == 404, || foreign.shown());
    trial.attack("answers not_found: another tenant ends the session", verdict);
    arena.manage(manager, "DELETE", &path, Some(&json!({"reason": "enough"})), 200).await?;
    let due = DueEnd { kind: "not_allowed", code: 4003, reason: "" };
    trial.attack("answers session_ended: by an operator", judge_end(&ended.ending().await, due));
    Ok(())
}
