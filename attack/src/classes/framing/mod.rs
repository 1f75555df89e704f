//! Requests that two parsers would read in two ways. The rule: one answer, the connection ends, and nothing of what stands
//! behind reaches the engine.

mod bodies;
mod early;
mod heads;
mod http2;
mod lengths;
mod upgrades;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, Reached};
use crate::trial::{Trial, Verdict};
use crate::wire::{Heard, Listen, exchange};

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    lengths::run(arena, trial).await?;
    heads::run(arena, trial).await?;
    bodies::run(arena, trial).await?;
    upgrades::run(arena, trial).await?;
    early::run(arena, trial).await?;
    http2::run(arena, trial).await
}

/// The lengths and chunks alone, with another engine behind: its own parser must get nothing to be confused by.
pub(crate) async fn through(arena: &Arena, trial: &mut Trial, name: &str) {
    lengths::through(arena, trial, name).await;
    bodies::through(arena, trial, name).await;
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// The head is refused: one 400, then the connection ends.
    Refused,
    /// The head is good, the body breaks: nothing whole reaches the engine, and the connection ends.
    Broken,
}

/// The request that an attacker hides behind another one: without a credential, for somebody else's job. Whoever takes it for
/// a request of the gateway's, answers it.
fn smuggled(arena: &Arena, case: &str) -> String {
    format!(
        "GET /v2/jobs/{}/transcript HTTP/1.1\r\nhost: localhost\r\n{CASE}: smuggled {case}\r\n\r\n",
        arena.theirs.job
    )
}

/// Sends a request with something hidden behind it, and judges.
async fn try_bytes(arena: &Arena, trial: &mut Trial, case: &str, bytes: &[u8], due: Due) {
    let heard = exchange(arena.home(), bytes, Listen::ToTheEnd).await;
    let verdict = judge(arena, case, &heard, due);
    trial.attack(case, verdict);
}

fn judge(arena: &Arena, case: &str, heard: &Heard, due: Due) -> Verdict {
    if let Some(reached) = reached_wrongly(arena, case) {
        return Verdict::Reached(reached);
    }
    let statuses = heard.statuses();
    let fine = match due {
        Due::Refused => {
            let documented = heard
                .answers
                .first()
                .is_some_and(|answer| answer.reason() == "malformed_request" && answer.lacks().is_none());
            statuses == [400] && documented && heard.closed
        }
        Due::Broken => (statuses.is_empty() || statuses == [400]) && heard.closed,
    };
    Verdict::held_if(fine, || {
        let first = heard.answers.first().map(|answer| answer.shown()).unwrap_or_default();
        format!("{due:?} was due, got {statuses:?}, closed: {}; {first:.150}", heard.closed)
    })
}

/// What of a case, or of what it hides, reached the engine whole.
fn reached_wrongly(arena: &Arena, case: &str) -> Option<String> {
    let hidden = format!("smuggled {case}");
    let all = arena.recorder.all();
    let wrong = |one: &&Reached| one.is_whole && (one.case() == case || one.case() == hidden);
    all.iter().find(wrong).map(|one| format!("{} {} ({:?})", one.head.method, one.head.target, one.case()))
}

/// The lines that every request here begins with, but for the request line.
fn usual(arena: &Arena, case: &str) -> String {
    format!("host: localhost\r\n{CASE}: {case}\r\nauthorization: Bearer {}\r\n", arena.mine.key)
}

/// A control: these bytes are answered by these statuses.
async fn control(arena: &Arena, trial: &mut Trial, name: &str, bytes: &[u8], expected: &[u16]) {
    let heard = exchange(arena.home(), bytes, Listen::For(expected.len())).await;
    let statuses = heard.statuses();
    let outcome = if statuses == expected {
        Ok(())
    } else {
        let first = heard.answers.first().map(|answer| answer.shown()).unwrap_or_default();
        Err(format!("expected {expected:?}, got {statuses:?} {first}"))
    };
    trial.control(name, outcome);
}
