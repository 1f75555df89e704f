//! Every row of the answers table, on every surface that it names: status, body and headers as documented.

mod cast;
mod in_session;
mod rows;
mod sizes_and_rates;
mod stale;

use std::path::Path;

use domain::Reason;
use serde_json::Value;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::CASE;
use crate::trial::{Trial, Verdict};
use crate::wire::session::{Ending, Session};
use crate::wire::{Answer, Request};

/// Reasons that the table doesn't name: no client meets them where it may go on.
const BEYOND_THE_TABLE: [Reason; 12] = [
    Reason::ClientRefRevoked,
    Reason::QuotaReached,
    Reason::DefaultProject,
    Reason::LastAdmin,
    Reason::AlreadyExists,
    Reason::JobRunning,
    Reason::EngineRefused,
    Reason::StorageDown,
    Reason::MalformedRequest,
    Reason::MethodNotAllowed,
    Reason::NotImplemented,
    Reason::Internal,
];

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial, program: &Path) -> Result<(), Fault> {
    let cast = cast::Cast::assemble(arena).await?;
    rows::run(arena, trial, &cast).await?;
    in_session::run(arena, trial).await?;
    sizes_and_rates::run(arena, trial).await?;
    stale::run(arena, trial, program).await?;
    every_row_was_tried(trial);
    Ok(())
}

/// A row that no case is named after fails the class.
fn every_row_was_tried(trial: &mut Trial) {
    for reason in Reason::ALL.iter().filter(|reason| !BEYOND_THE_TABLE.contains(reason)) {
        if !trial.has_case(&format!("answers {reason}")) {
            trial.miss(format!("the table's row {reason} has no case"));
        }
    }
}

/// What the table says of an answer over HTTP.
#[derive(Debug, Clone, Copy)]
struct Due {
    status: u16,
    error: &'static str,
    reason: &'static str,
}

/// The fields of a refusal, in their order.
const FIELDS: [&str; 5] = ["code", "error", "message", "detail", "reason"];

/// Compares an answer with the table, field by field.
fn compare(answer: &Answer, due: Due) -> Verdict {
    let wrong = difference(answer, due);
    Verdict::held_if(wrong.is_none(), || format!("{}: {}", wrong.unwrap_or_default(), answer.shown()))
}

fn difference(answer: &Answer, due: Due) -> Option<String> {
    if answer.status != due.status {
        return Some(format!("expected {} {}", due.status, due.reason));
    }
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let body: Value = answer.json();
    // In their order, each once, and nothing else: as text, since a map would forget the order.
    let mut at = 0;
    for field in FIELDS {
        let Some(found) = text[at..].find(&format!("\"{field}\":")) else {
            return Some(format!("no {field} at its place"));
        };
        at += found;
    }
    if body.as_object().map(serde_json::Map::len) != Some(FIELDS.len()) {
        return Some("other fields than the five".to_owned());
    }
    let code = body["code"].as_u64().unwrap_or_default();
    if !(code == u64::from(due.status) || due.status == 422 && (601..=700).contains(&code)) {
        return Some(format!("code {code}"));
    }
    if body["error"] != due.error || body["reason"] != due.reason {
        return Some(format!("expected {} and {}", due.error, due.reason));
    }
    if ["message", "detail"].iter().any(|field| body[field].as_str().is_none_or(str::is_empty)) {
        return Some("no message or detail".to_owned());
    }
    if !answer.header("content-type").starts_with("application/json") {
        return Some("another content type".to_owned());
    }
    if let Some(missing) = answer.lacks() {
        return Some(missing.to_owned());
    }
    if answer.header("www-authenticate") != if due.status == 401 { "Bearer" } else { "" } {
        return Some("WWW-Authenticate".to_owned());
    }
    if due.status == 429 && answer.header("retry-after").parse::<u32>().is_err() {
        return Some("no Retry-After".to_owned());
    }
    None
}

/// Judges a refusal over HTTP, of which nothing may have reached the engine.
fn judge(arena: &Arena, case: &str, answer: &Answer, due: Due) -> Verdict {
    match arena.recorder.of(case).first() {
        Some(one) if due.status != 503 && due.status != 410 => {
            Verdict::Reached(format!("{} {}", one.head.method, one.head.target))
        }
        _ => compare(answer, due),
    }
}

/// What the table says of an end in-band.
#[derive(Debug, Clone, Copy)]
struct DueEnd {
    kind: &'static str,
    code: u16,
    reason: &'static str,
}

fn judge_end(ending: &Ending, due: DueEnd) -> Verdict {
    let fine = ending.kind == due.kind
        && ending.code == due.code
        && (due.reason.is_empty() || ending.reason.ends_with(&format!("({})", due.reason)));
    Verdict::held_if(fine, || format!("expected {due:?}, got {ending:?}"))
}

/// A session that is refused in-band: the upgrade succeeds, the first message is sent, then it ends.
async fn refused_session(opened: Result<Session, Answer>) -> Result<Ending, Answer> {
    let mut session = opened?;
    session.start().await;
    Ok(session.ending().await)
}

/// A request that knows its case.
fn request(method: &str, path: &str, credential: &str, case: &str) -> Request {
    Request::new(method, path).with(CASE, case).bearer(credential)
}
