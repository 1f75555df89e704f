//! Every operation, called by everybody whose it isn't.

use serde_json::json;

use super::operations::Operation;
use super::{body_for, call, leaks};
use crate::Fault;
use crate::arena::Arena;
use crate::classes::mistyped;
use crate::trial::{Trial, Verdict};
use crate::wire::Answer;

pub(super) async fn run(arena: &Arena, trial: &mut Trial, operations: &[Operation]) -> Result<(), Fault> {
    let temporary = arena.mint(&arena.mine.key, "rt", json!({})).await?;
    let manager = &arena.mine.manager;
    let mistyped = mistyped(manager);
    let (id, revoked) = arena.key_of(&arena.mine, json!({})).await?;
    arena.manage(manager, "DELETE", &format!("/v1/api-keys/{id}"), None, 200).await?;
    let engine = crate::arena::instance::ENGINE_TOKEN;
    let strangers = [
        ("nobody", ""),
        ("a text", "vgm_x"),
        ("a mistyped token", &mistyped),
        ("an API key", &arena.mine.key),
        ("their API key", &arena.theirs.key),
        ("a revoked API key", &revoked),
        ("a temporary key", &temporary),
        ("the engine's token", engine),
    ];
    for operation in operations.iter().filter(|operation| !operation.is_public) {
        let body = body_for(arena, operation);
        let path = operation.of_theirs(arena);
        for (who, credential) in strangers {
            if operation.takes_keys && who.contains("API key") {
                continue;
            }
            let case = format!("tenants {}: {who}", operation.name());
            let answer = call(arena, operation, &path, credential, body.as_ref()).await;
            // A mint looks at values before it says who may not mint.
            let mints = operation.takes_keys && who == "a temporary key";
            let fine = answer.status == 401 || mints && matches!(answer.status, 403 | 422);
            let fine = fine && !leaks(arena, &answer);
            trial.attack(&case, Verdict::held_if(fine, || answer.shown()));
        }
        keys_of_others(arena, trial, operation, &path).await;
        manager_of_others(arena, trial, operation, &path).await;
    }
    Ok(())
}

/// An API key where API keys may call: for its own project alone.
async fn keys_of_others(arena: &Arena, trial: &mut Trial, operation: &Operation, path: &str) {
    if !operation.takes_keys {
        return;
    }
    let body = body_for(arena, operation);
    let case = format!("tenants {}: an API key, for their things", operation.name());
    let answer = call(arena, operation, path, &arena.mine.key, body.as_ref()).await;
    trial.attack(&case, Verdict::held_if(is_refusal(&answer), || answer.shown()));
}

/// A management token with every permission of its own workspace: what is theirs is what isn't there, byte for byte.
async fn manager_of_others(arena: &Arena, trial: &mut Trial, operation: &Operation, path: &str) {
    let body = body_for(arena, operation);
    let manager = &arena.mine.manager;
    let names_theirs = *path != operation.path
        || body.as_ref().is_some_and(|body| body.to_string().contains(&arena.theirs.project_id.to_string()));
    if names_theirs {
        let case = format!("tenants {}: another's manager, their ids", operation.name());
        let answer = call(arena, operation, path, manager, body.as_ref()).await;
        trial.attack(
            &case,
            Verdict::held_if(is_refusal(&answer) && !leaks(arena, &answer), || answer.shown()),
        );
        let nowhere = path
            .replace(&arena.theirs.workspace_id, "ws_00000000000000000000000000")
            .replace(&arena.theirs.key_id, "key_00000000000000000000000000")
            .replace(&arena.theirs.webhook_id, "whk_00000000000000000000000000")
            .replace(&format!("/{}", arena.theirs.project_id), "/999999");
        if nowhere != path {
            let unknown = call(arena, operation, &nowhere, manager, body.as_ref()).await;
            let case = format!("tenants {}: theirs and nobody's are told alike", operation.name());
            let same = (unknown.status, &unknown.body) == (answer.status, &answer.body);
            trial.attack(
                &case,
                Verdict::held_if(same, || format!("{} but {}", answer.shown(), unknown.shown())),
            );
        }
    }
    if operation.takes_workspace {
        let here = format!("{path}?workspace_id={}", arena.theirs.workspace_id);
        let case = format!("tenants {}: another's manager, their workspace", operation.name());
        let answer = call(arena, operation, &here, manager, body.as_ref()).await;
        trial.attack(
            &case,
            Verdict::held_if(is_refusal(&answer) && !leaks(arena, &answer), || answer.shown()),
        );
    }
    if operation.method == "GET" && *path == operation.path {
        let case = format!("tenants {}: another's manager sees nothing of theirs", operation.name());
        let answer = call(arena, operation, path, manager, None).await;
        trial.attack(&case, Verdict::held_if(!leaks(arena, &answer), || answer.shown()));
    }
}

fn is_refusal(answer: &Answer) -> bool {
    matches!(answer.status, 401 | 403 | 404 | 422)
}
