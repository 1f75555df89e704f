//! Headers that want to pass for somebody: ours under every alias, those of proxies, nominated ones, trailers, two credentials.
//! The rule: what the engine is told about a caller is ours alone, is always there, and stands there once.

mod credentials;
mod identity;
mod nominated;
mod proxies;
mod trailers;

use crate::Fault;
use crate::arena::Arena;
use crate::arena::recorder::{CASE, Reached};
use crate::trial::{Trial, Verdict};
use crate::wire::{Answer, Request};

/// What no engine may ever see of a client.
const FORGED: &str = "forged-by-a-client";

/// The identity headers, and what they hold for a caller of ours.
const IDENTITY: &[&str] = &[
    "voxgate-workspace",
    "voxgate-project",
    "voxgate-key",
    "voxgate-client-ref",
    "voxgate-region",
    "voxgate-request-id",
    "x-sm-processing-data",
];

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    identity::run(arena, trial).await?;
    nominated::run(arena, trial).await?;
    proxies::run(arena, trial).await?;
    trailers::run(arena, trial).await?;
    credentials::run(arena, trial).await
}

/// A read with more lines in its head. They are written as they are.
async fn read_with(arena: &Arena, case: &str, lines: &[u8]) -> Answer {
    let request = Request::new("GET", &format!("/v2/jobs/{}/transcript", arena.mine.job))
        .with(CASE, case)
        .bearer(&arena.mine.key)
        .bytes();
    let head = &request[..request.len() - 2];
    crate::wire::ask(arena.home(), &[head, lines, b"\r\n"].concat()).await
}

/// Whether the engine was told the truth: who called, once each, and nothing that a client made up.
fn truth(arena: &Arena, one: &Reached) -> Result<(), String> {
    let told = String::from_utf8_lossy(&one.head.raw);
    if told.contains(FORGED) {
        return Err(format!("the engine saw what a client made up: {told:.400}"));
    }
    for (name, value) in [
        ("voxgate-workspace", arena.mine.workspace_id.clone()),
        ("voxgate-project", arena.mine.project_id.to_string()),
        ("voxgate-key", arena.mine.key_id.clone()),
        ("voxgate-region", "eu1".to_owned()),
    ] {
        if one.header(name) != Some(&value) {
            return Err(format!("{name} is {:?}, not {value}", one.head.values(name).collect::<Vec<_>>()));
        }
    }
    if !one.header("voxgate-request-id").is_some_and(|id| id.starts_with("req_")) {
        return Err("voxgate-request-id is missing".to_owned());
    }
    let data = one.header("x-sm-processing-data").unwrap_or_default();
    let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
    if data["user_id"].as_str().is_none_or(|id| id.len() != 32) {
        return Err(format!("user_id is not ours: {data}"));
    }
    if one.head.values("voxgate-client-ref").next().is_some() {
        return Err("a client_ref that nobody has".to_owned());
    }
    // Look-alikes: whatever reads like ours to a careless engine must not be there.
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '.', ' '], "-");
    for (name, _) in &one.head.fields {
        let is_ours = IDENTITY.contains(&name.to_ascii_lowercase().as_str());
        if !is_ours && IDENTITY.iter().any(|ours| plain(name).contains(ours)) {
            return Err(format!("a look-alike arrived: {name}"));
        }
    }
    Ok(())
}

/// The verdict where the request may be served, as long as the engine is told the truth; or refused before.
fn judge(arena: &Arena, reached: &[Reached], answer: &Answer, refusals: &[u16]) -> Verdict {
    for one in reached {
        if let Err(lie) = truth(arena, one) {
            return Verdict::Reached(lie);
        }
    }
    let served = answer.status == 200 && reached.len() == 1;
    let refused = refusals.contains(&answer.status) && reached.is_empty();
    Verdict::held_if(served || refused, || format!("{}, reached {} times", answer.shown(), reached.len()))
}
