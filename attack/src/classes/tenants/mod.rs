//! Accounts, keys and tenants: every operation of the API's own document, every kind of caller, the ids of others, and fields
//! that would make somebody else the owner (CVE-2025-61928). The rule: what isn't yours is what isn't there.

mod callers;
mod injected;
mod operations;

use serde_json::{Value, json};

use crate::Fault;
use crate::arena::{Arena, accepted};
use crate::trial::{Trial, Verdict};
use crate::wire::{Answer, Request};
use operations::Operation;

/// Runs all of them.
pub(crate) async fn run(arena: &Arena, trial: &mut Trial) -> Result<(), Fault> {
    let document = Request::new("GET", "/openapi.json").send(arena.home()).await;
    trial.control("the document", accepted(&document, 200));
    let operations = operations::all(&document.json());
    if operations.len() < 30 {
        return Err(format!("the document names {} operations", operations.len()));
    }
    let before = state(arena).await?;
    callers::run(arena, trial, &operations).await?;
    injected::run(arena, trial, &operations).await?;
    let after = state(arena).await?;
    trial.attack(
        "tenants: nothing of theirs has changed",
        Verdict::held_if(before == after, || difference(&before, &after)),
    );
    let answer = Request::new("GET", "/v2/jobs").bearer(&arena.theirs.key).send(arena.home()).await;
    trial.control("their key still works", accepted(&answer, 200));
    let answer = Request::new("GET", "/v1/projects").bearer(&arena.theirs.manager).send(arena.home()).await;
    trial.control("their manager still works", accepted(&answer, 200));
    Ok(())
}

/// All that belongs to them, as the operator sees it.
async fn state(arena: &Arena) -> Result<Vec<Value>, Fault> {
    let here = format!("?workspace_id={}", arena.theirs.workspace_id);
    let mut state = Vec::new();
    for path in [
        format!("/v1/projects{here}"),
        format!("/v1/api-keys{here}"),
        format!("/v1/management-tokens{here}"),
        format!("/v1/webhooks{here}"),
        format!("/v1/workspaces/{}", arena.theirs.workspace_id),
        format!("/v1/workspaces/{}/members", arena.theirs.workspace_id),
    ] {
        let mut value = arena.manage(&arena.operator, "GET", &path, None, 200).await?;
        forget_last_used(&mut value);
        state.push(value);
    }
    Ok(state)
}

/// When something was last used changes by itself.
fn forget_last_used(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(forget_last_used),
        Value::Object(map) => {
            map.remove("last_used_at");
            map.values_mut().for_each(forget_last_used);
        }
        _ => {}
    }
}

fn difference(before: &[Value], after: &[Value]) -> String {
    let pairs = before.iter().zip(after).filter(|(one, two)| one != two);
    pairs.map(|(one, two)| format!("{one} became {two}")).collect::<Vec<_>>().join("; ")
}

/// Calls an operation.
async fn call(
    arena: &Arena,
    operation: &Operation,
    path: &str,
    credential: &str,
    body: Option<&Value>,
) -> Answer {
    let request = Request::new(&operation.method, path).bearer(credential);
    body.iter().fold(request, |request, body| request.json(body)).send(arena.home()).await
}

/// Whether an answer holds something of theirs.
fn leaks(arena: &Arena, answer: &Answer) -> bool {
    let theirs = &arena.theirs;
    let told = String::from_utf8_lossy(&answer.body);
    [&theirs.key, &theirs.key_id, &theirs.webhook_id, &theirs.webhook_secret]
        .iter()
        .any(|one| told.contains(one.as_str()))
}

/// A body that the operation takes, for things of theirs.
fn body_for(arena: &Arena, operation: &Operation) -> Option<Value> {
    let mut body = operation.example.clone()?;
    let path = operation.path.as_str();
    if path.ends_with("api-keys") || path.ends_with("api_keys") {
        body = json!({"project_id": arena.theirs.project_id, "name": "x"});
    } else if path.ends_with("/revoke") {
        body = json!({"jti": format!("{}.00000000000000000000000000", arena.theirs.key_id)});
    } else if path.ends_with("/readmit") {
        body = json!({"client_ref": "u", "project_id": arena.theirs.project_id});
    }
    Some(body)
}
