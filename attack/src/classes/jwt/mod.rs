//! Tokens: every row of "Attack cases: JWT libraries", at the running instance.

mod algorithms;
mod claims;
mod embedded;
mod forms;
mod headers;
mod hot_cache;
mod kids;
mod signatures;
mod times;
mod vectors;

use crate::Fault;
use crate::arena::{Arena, accepted, refused};
use crate::trial::Trial;

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    algorithms::run(arena, trial).await?;
    signatures::run(arena, trial).await?;
    headers::run(arena, trial).await?;
    claims::run(arena, trial).await?;
    times::run(arena, trial).await?;
    kids::run(arena, trial).await?;
    embedded::run(arena, trial).await?;
    forms::run(arena, trial).await?;
    hot_cache::run(arena, trial).await?;
    vectors::run(arena, trial).await
}

/// A token that can't be read, or was signed wrongly, or is no temporary key.
const FORGED: &[&str] = &["credential_unknown", "token_invalid"];
/// A token that some key of ours signed, or could have, and that isn't what we sign.
const INVALID: &[&str] = &["token_invalid"];

/// A group of tokens that must all be refused, beside the good one that they were made from.
async fn refuse_all(
    arena: &Arena,
    trial: &mut Trial,
    group: &str,
    good: &str,
    reasons: &[&str],
    tokens: impl IntoIterator<Item = (String, String)>,
) {
    let answer = arena.good_request(good).send(arena.home()).await;
    trial.control(format!("{group}: the token before it was bent"), accepted(&answer, 200));
    for (name, token) in tokens {
        let case = format!("jwt {group}: {name}");
        let answer = present(arena, &case, &token).await;
        let reached = arena.recorder.of(&case);
        trial.attack(&case, refused(&answer, 401, reasons, &reached));
    }
}

async fn present(arena: &Arena, case: &str, token: &str) -> crate::wire::Answer {
    arena.good_request(token).with(crate::arena::recorder::CASE, case).send(arena.home()).await
}
